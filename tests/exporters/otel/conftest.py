"""A tracer provider whose spans a started agent counts, and a simulated model server."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer

from pulseguard import Agent
from pulseguard.otel import PulseGuardSpanProcessor
from pulseguard_stack.model_server.ledger import Entry
from tests.exporters.conftest import MakeAgent
from tests.exporters.instrumentation.model_server import ModelServer, model_server
from tests.exporters.observing import wait_until

_AT_ONCE = ("--first-token-median", "0", "--token-median", "0", "--stall-seconds", "20")


@pytest.fixture
def agent(make_agent: MakeAgent) -> Agent:
    agent = make_agent()
    agent.start()
    return agent


@pytest.fixture
def provider(agent: Agent) -> Iterator[TracerProvider]:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(PulseGuardSpanProcessor(strict=True))
    yield provider
    provider.shutdown()


@pytest.fixture
def tracer(provider: TracerProvider) -> Tracer:
    return provider.get_tracer("tests")


@pytest.fixture(scope="session")
def running_server() -> Iterator[ModelServer]:
    with model_server(*_AT_ONCE, "--cache-minimum", "64") as server:
        yield server


@pytest.fixture
def server(running_server: ModelServer) -> ServedNow:
    return ServedNow(running_server)


class ServedNow:
    """The running server, and what it has served since this was made."""

    def __init__(self, server: ModelServer) -> None:
        self.url = f"{server.url}/v1"
        self._server = server
        self._before = len(server.entries())

    def entries(self) -> list[Entry]:
        return self._server.entries()[self._before :]

    async def cancel_once_asked(self, asking: Coroutine[Any, Any, object]) -> None:
        """Cancel this once its request has come in; it is to be one that gets no answer."""
        task = asyncio.create_task(asking)
        await asyncio.to_thread(wait_until, self._server.is_asked)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await asyncio.to_thread(self.entries)
