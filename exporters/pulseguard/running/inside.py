"""The run's agent within a Python process of the program, from when it imports a client library."""

import os
from pathlib import Path

from pulseguard.agent import Agent
from pulseguard.current import current_agent
from pulseguard.guard import Guard, OncePerMinute
from pulseguard.instrumentation import instrument, is_measured
from pulseguard.running.run import OWN_AGENT, Run, read_run

_agents: list["InsideAgent"] = []


class InsideAgent(Agent):
    """One process of the run's agent: it hands its numbers to the one outside."""

    def _tell_of_sigterm(self) -> None:
        """Where the program imports a client library is not for it to choose."""

    def _make_way(self) -> None:
        """It is nobody that another would make way for."""


def begin(library: str) -> None:
    """Measure this client library; for the program's own agent, where it has one. Never raises."""
    guard = Guard(lambda operation: None, OncePerMinute())
    guard.attempt(f"measure {library}", None, _begin, library)


def _begin(library: str) -> None:
    run = read_run(os.environ)
    if run is None:
        return
    if current_agent() is None and not _has_own_agent(run):
        _agents.append(_agent(run))
        _agents[-1].start()
    if not is_measured(library):
        instrument(library)


def end() -> None:
    """The program has an agent of its own."""
    while _agents:
        _agents.pop().stop()


def _has_own_agent(run: Run) -> bool:
    return Path(run.folder, OWN_AGENT).exists()


def _agent(run: Run) -> InsideAgent:
    return InsideAgent(
        run.name,
        version=run.version,
        type=run.type,
        team=run.team,
        environment=run.environment,
        instance=run.instance,
    )
