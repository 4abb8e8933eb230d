"""An agent that measures both clients; their own folders have one for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import pulseguard
from pulseguard import Agent
from tests.exporters.conftest import MakeAgent


@pytest.fixture
def agent(make_agent: MakeAgent) -> Iterator[Agent]:
    made = make_agent()
    made.start()
    pulseguard.instrument("openai", "anthropic", strict=True)
    yield made
    pulseguard.uninstrument()
