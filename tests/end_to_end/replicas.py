"""Replicas of agents, each a process of its own, as a deployment starts and ends them.

Each line `start AGENT INSTANCE...` on standard input starts a process for each instance, at the
port that it had before, and is answered by `started` when all are registered; `stop` ends all of
them by SIGTERM, and is answered by `stopped` when they are gone. They end with this program too,
however it ends. To fork them spares the imports, those too that an agent puts off until it needs
them: they take longer than all else.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from multiprocessing import get_context, parent_process
from multiprocessing.process import BaseProcess
from multiprocessing.queues import SimpleQueue

import pulseguard.group.membership
import pulseguard.reporting.reporter
import pulseguard.scraping.host  # noqa: F401
from pulseguard import Agent
from tests.started_program import eventually

FORK = get_context("fork")
Told = SimpleQueue[tuple[str, int]]


def replica(name: str, instance: str, port: int, told: Told) -> None:
    """Be there until SIGTERM, or until nobody is left to send it.

    Tells once where it is, as soon as the registry knows, or never will.
    """
    agent = Agent(name, instance=instance, metrics_port=port)
    agent.start()
    try:
        eventually(lambda: agent.agent_id)
    finally:
        told.put((instance, int(str(agent.metrics_address).rpartition(":")[2])))
    host = parent_process()
    assert host
    host.join()


class Replicas:
    """Those that run, and the ports of all that ever did."""

    def __init__(self) -> None:
        self._running: list[BaseProcess] = []
        self._ports: dict[str, int] = {}

    def start(self, name: str, instances: Sequence[str]) -> None:
        """A process for each; returns when all are registered."""
        told: Told = FORK.SimpleQueue()
        for each in instances:
            arguments = (name, each, self._ports.get(each, 0), told)
            process = FORK.Process(target=replica, args=arguments)
            process.start()
            self._running.append(process)
        self._ports |= dict(told.get() for _ in instances)

    def stop(self) -> None:
        """End all at once, and wait for the last."""
        for each in self._running:
            each.terminate()
        for each in self._running:
            each.join()
        self._running.clear()


def main() -> None:
    """Do what standard input asks for."""
    replicas = Replicas()
    for line in sys.stdin:
        order, *rest = line.split()
        if order == "start":
            name, *instances = rest
            replicas.start(name, instances)
        else:
            replicas.stop()
        sys.stdout.write({"start": "started\n", "stop": "stopped\n"}[order])
        sys.stdout.flush()
    replicas.stop()


if __name__ == "__main__":
    main()
