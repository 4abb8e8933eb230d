"""What the exporter's tests share: a fake registry, and agents that are stopped in the end."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pulseguard import Agent
from tests.exporters.fake_registry import FakeRegistry

MakeAgent = Callable[..., Agent]


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with FakeRegistry() as registry:
        yield registry


@pytest.fixture
def make_agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[MakeAgent]:
    """Makes strict agents with quick clocks, on free ports and slots; stops them all."""
    monkeypatch.setattr("pulseguard.exporter.default_folder", lambda: tmp_path / "slots")
    monkeypatch.setattr("pulseguard.group.group.default_folder", lambda: tmp_path / "groups")
    made: list[Agent] = []

    def make(name: str = "invoice-bot", **arguments: Any) -> Agent:
        quick = {"metrics_port": 0, "heartbeat_seconds": 0.1, "snapshot_seconds": 0.1}
        agent = Agent(name, **{"strict": True, **quick, **arguments})
        made.append(agent)
        return agent

    yield make
    for agent in made:
        agent.stop(timeout_seconds=0.5)


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            assert stream is not None
            stream.close()
