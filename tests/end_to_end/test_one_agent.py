"""One agent, the whole way: discovered, scraped, and found again whatever ended meanwhile."""

from __future__ import annotations

import time

from tests.end_to_end import numbers
from tests.end_to_end.conftest import Stack
from tests.prometheus_server import eventually

SECONDS_TO_UP = 30


def test_a_clean_stop_is_offline_and_out_of_discovery_and_the_agent_returns_with_its_id(
    stack: Stack,
) -> None:
    agent = stack.start_agent()
    eventually(stack.is_up, timeout_seconds=SECONDS_TO_UP)
    known = stack.agent()

    assert agent.end_input() == 0

    stopped = stack.agent()
    assert (stopped["status"], stopped["status_reason"]) == ("OFFLINE", "stopped")
    eventually(lambda: stack.prometheus.targets("agents") == [], timeout_seconds=15)

    stack.start_agent()
    eventually(stack.is_up, timeout_seconds=SECONDS_TO_UP)
    returned = stack.agent()
    assert (returned["id"], returned["instance"]) == (known["id"], known["instance"])
    assert returned["status"] == "ONLINE"


def test_a_killed_agent_stays_in_discovery_goes_offline_and_returns_with_its_id(
    stack_with_agent: Stack,
) -> None:
    stack = stack_with_agent
    known = stack.agent()

    stack.agent_process.kill()

    eventually(lambda: stack.agent()["status_reason"] == "silent")
    assert stack.agent()["status"] == "OFFLINE"
    eventually(lambda: stack.prometheus.value('up{job="agents"}') == 0)
    assert len(stack.api("/api/v1/discovery/targets")) == 1

    stack.agent_process = stack.start_agent()
    eventually(lambda: stack.agent()["status"] == "ONLINE")
    assert stack.agent()["id"] == known["id"]
    eventually(stack.is_up, timeout_seconds=SECONDS_TO_UP)


def test_prometheus_restarted_while_the_registry_is_down_keeps_its_target(
    stack_with_agent: Stack,
) -> None:
    stack = stack_with_agent

    stack.stop_registry()
    stack.prometheus.restart()

    eventually(stack.is_up, timeout_seconds=15)
    assert stack.prometheus.value('up{job="agents"}') == 1

    stack.start_registry()


def test_an_agent_catches_up_when_the_registry_was_away(stack_with_agent: Stack) -> None:
    stack = stack_with_agent
    stack.stop_registry()

    stack.make_calls(20, seed=2)
    stack.start_registry()

    served = numbers.of_ledger(stack.ledger())
    eventually(lambda: stack.agent()["status"] == "ONLINE")
    eventually(lambda: numbers.of_snapshots(stack.snapshots()) == served, timeout_seconds=15)


def test_an_agent_that_was_there_before_the_registry_is_found(stack: Stack) -> None:
    stack.stop_registry()
    stack.start_agent()
    time.sleep(2)  # it has tried and failed by now

    stack.start_registry()

    eventually(stack.is_up, timeout_seconds=SECONDS_TO_UP)
