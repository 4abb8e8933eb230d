"""Deployments whose replicas are stopped cleanly and recreated: nobody is paged, nobody is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.conftest import LONG, PENDING_SECONDS, Stack
from tests.prometheus_server import eventually

REPLICAS = 20
RECREATED = 3
SECONDS_TO_UP = 60


class Deployments:
    """Two of them: `faithful` keeps the names of its replicas, as pods of a StatefulSet have them;
    `fickle` gives new ones each time, as a Deployment does."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        # 40 agents shall not compute more than what is tested.
        seldom = {"PULSEGUARD_HEARTBEAT_SECONDS": "1", "PULSEGUARD_SNAPSHOT_SECONDS": "60"}
        self._host = stack.start_module("tests.end_to_end.replicas", **seldom)
        self._generation = 0

    def start(self) -> None:
        """All replicas of both; returns once they are registered."""
        self._generation += 1
        for name, named in ("faithful", "faithful"), ("fickle", f"fickle-{self._generation}"):
            instances = " ".join(f"{named}-{number}" for number in range(REPLICAS))
            self._host.ask(f"start {name} {instances}")
            assert self._host.line() == "started"

    def stop(self) -> None:
        """All of them, at once; returns when their processes are gone."""
        self._host.ask("stop")
        assert self._host.line() == "stopped"

    def end(self) -> None:
        """Leave no process behind."""
        assert self._host.end_input() == 0

    def agents(self, name: str) -> list[dict[str, Any]]:
        """All of one deployment that the inventory has."""
        return list(self._stack.api("/api/v1/agents", limit="500", name=name)["items"])

    def wait_until_up(self) -> None:
        """Until those that are there now, and nobody else, are Prometheus' targets and answer."""
        agents = [*self.agents("faithful"), *self.agents("fickle")]
        online = {agent["id"] for agent in agents if agent["status"] == "ONLINE"}
        assert len(online) == 2 * REPLICAS
        eventually(lambda: self._up() == online, timeout_seconds=SECONDS_TO_UP)

    def _up(self) -> set[str]:
        """The targets that answer; none while another does not."""
        targets = self._stack.prometheus.targets("agents")
        up = {target["labels"]["agent_id"] for target in targets if target["health"] == "up"}
        return up if len(up) == len(targets) else set()


@pytest.fixture
def deployments(stack: Stack) -> Iterator[Deployments]:
    """Both, not started yet."""
    both = Deployments(stack)
    yield both
    both.end()


def test_replicas_recreated_three_times_are_as_many_agents_as_before_and_fire_no_alert(
    stack: Stack, deployments: Deployments
) -> None:
    deployments.start()
    deployments.wait_until_up()
    faithful = {agent["id"] for agent in deployments.agents("faithful")}

    began = time.monotonic()
    for _ in range(RECREATED):
        deployments.stop()
        deployments.start()
        if LONG:
            deployments.wait_until_up()

    deployments.wait_until_up()
    # What went down at the first stop, and was not let go, has fired by then.
    eventually(lambda: time.monotonic() - began > PENDING_SECONDS + 4, timeout_seconds=120)
    # Of agents: there is no Alertmanager, which is told as well.
    fired = 'count_over_time(ALERTS{alertstate="firing", agent_id!=""}[1h])'
    assert stack.prometheus.query(fired) == []
    assert {agent["id"] for agent in deployments.agents("faithful")} == faithful
    fickle = deployments.agents("fickle")
    assert [agent["status"] for agent in fickle].count("ONLINE") == REPLICAS
    gone = [agent for agent in fickle if agent["status"] != "ONLINE"]
    assert [agent["status_reason"] for agent in gone] == ["stopped"] * RECREATED * REPLICAS
    assert stack.api("/api/v1/discovery/state")["holds"] == 0
