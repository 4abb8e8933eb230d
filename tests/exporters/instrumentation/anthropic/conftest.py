"""The runs that the tests of the anthropic client look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pulseguard import Agent
from pulseguard.instrumentation import instrument, uninstrument
from tests.exporters.conftest import MakeAgent
from tests.exporters.instrumentation.anthropic.runs import MAJORS, Major, Runs, run_all


@pytest.fixture(scope="session")
def all_runs() -> dict[Major, Runs]:
    """Each major version, measured and not; made once."""
    return run_all()


@pytest.fixture(params=MAJORS)
def runs(request: pytest.FixtureRequest, all_runs: dict[Major, Runs]) -> Runs:
    """Those of one major version."""
    return all_runs[request.param]


@pytest.fixture
def agent(make_agent: MakeAgent) -> Iterator[Agent]:
    """An agent that measures the client."""
    agent = make_agent()
    agent.start()
    instrument("anthropic", agent=agent, strict=True)
    yield agent
    uninstrument("anthropic")
