"""A model server without waits, a client of it, and the client library instrumented for a test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import OpenAI

import pulseguard
from pulseguard import Agent
from tests.exporters.conftest import MakeAgent
from tests.exporters.instrumentation.model_server import ModelServer, model_server


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with model_server("--first-token-median", "0", "--token-median", "0") as running:
        yield running


@pytest.fixture
def client(server: ModelServer) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as opened:
        yield opened


@pytest.fixture
def agent(make_agent: MakeAgent) -> Iterator[Agent]:
    """A strict agent that has been started; what the client does is recorded for it."""
    made = make_agent()
    made.start()
    pulseguard.instrument("openai", strict=True)
    yield made
    pulseguard.uninstrument()
