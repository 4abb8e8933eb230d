"""A fleet for the tests that only look, and agents of a test's own for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from pulseguard_stack.demo.roster import ROSTER
from tests.exporters.fake_registry import FakeRegistry
from tests.stack.conftest import ModelServer
from tests.stack.demo.processes import DemoAgent, start_agent, stop_agents

StartAgent = Callable[..., DemoAgent]


@pytest.fixture(scope="module")
def registry() -> Iterator[FakeRegistry]:
    """What the fleet registers with."""
    with FakeRegistry() as running:
        yield running


@pytest.fixture(scope="module")
def fleet(
    server: ModelServer, registry: FakeRegistry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, DemoAgent]]:
    """All five at work, some tasks a second, for the tests that only look."""
    folder = tmp_path_factory.mktemp("fleet")
    settings = {"PULSEGUARD_REGISTRY_URL": registry.url, "PULSEGUARD_ENVIRONMENT": "demo"}
    agents = {
        name: start_agent(name, server.url, folder, "--pace", "0.1", **settings) for name in ROSTER
    }
    yield agents
    stop_agents(agents.values())


@pytest.fixture
def start(tmp_path: Path) -> Iterator[StartAgent]:
    """Starts agents of a test's own, and ends those that still run."""
    agents: list[DemoAgent] = []

    def start_one(name: str, url: str, *arguments: str, **environment: str) -> DemoAgent:
        agents.append(start_agent(name, url, tmp_path, *arguments, **environment))
        return agents[-1]

    yield start_one
    stop_agents(agents)
