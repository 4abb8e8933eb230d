"""One agent, the whole way: discovered, scraped, and its numbers right in four places."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from functools import partial

import pytest

from tests.end_to_end import numbers
from tests.end_to_end.conftest import Stack
from tests.end_to_end.numbers import Numbers
from tests.end_to_end.processes import Started
from tests.prometheus_server import eventually

LONG = bool(os.environ.get("PULSEGUARD_TEST_LONG"))
CALLS = 2000 if LONG else 100
SECONDS_TO_UP = 30
LATENCY_TOLERANCE_MS = 5
EIGHT_FIELDS = (
    "model_inference_time_ms",
    "model_accuracy",
    "confidence_score",
    "tokens_processed",
    "tokens_per_second",
    "context_length",
    "api_calls_made",
    "api_call_latency_ms",
)


def make_calls(agent: Started, number: int, seed: int) -> float:
    """Have the agent make so many model calls; returns how long its client prepared each, in ms."""
    agent.ask(f"calls {number} {seed}")
    done, preparing_ms = agent.line().split()
    assert done == "done"
    return float(preparing_ms)


def agree(told: Numbers, served: Numbers) -> bool:
    """Whether the counts are equal and the means within the tolerance."""
    return told == served and abs(told.mean_ms - served.mean_ms) < LATENCY_TOLERANCE_MS


def seen_by_the_agent(served: Numbers, preparing_ms: float) -> Numbers:
    """A call begins for the agent with the client's preparing, for the server when it arrives."""
    return replace(served, mean_ms=served.mean_ms + preparing_ms)


def assert_all_agree(stack: Stack, before: dict[str, dict[str, float]], served: Numbers) -> None:
    """Each place tells what the ledger tells, as soon as it was scraped or stored."""
    assert served.calls == CALLS
    for place, look in (
        ("/metrics", stack.numbers_on_the_metrics_page),
        ("Prometheus", lambda: increase(before, stack.counters_in_prometheus())),
        ("the snapshots", lambda: numbers.of_snapshots(stack.snapshots())),
    ):
        deadline = time.monotonic() + 10
        while not agree(told := look(), served):
            assert time.monotonic() < deadline, f"{place}: {told}\nthe ledger: {served}"
            time.sleep(0.2)


def increase(before: dict[str, dict[str, float]], after: dict[str, dict[str, float]]) -> Numbers:
    """By how much the counters rose; one that was not there has risen from 0.

    PromQL's increase() extrapolates to the ends of its window and so is never exact.
    """
    return numbers.of_counters(
        {
            what: {key: value - before[what].get(key, 0) for key, value in amounts.items()}
            for what, amounts in after.items()
        }
    )


@pytest.mark.alone
def test_the_numbers_of_an_agent_are_those_of_the_model_servers_ledger(
    stack_with_agent: Stack,
) -> None:
    stack = stack_with_agent
    agent = stack.agent_process
    before = eventually(stack.counters_in_prometheus)

    preparing_ms = make_calls(agent, CALLS, seed=1)

    served = seen_by_the_agent(numbers.of_ledger(stack.ledger()), preparing_ms)
    assert set(served.errors) >= {"timeout", "rate_limit", "server_error", "network", "auth"}
    assert {"input", "cache_read", "output", "reasoning"} == set(served.tokens)
    outcomes = {entry.outcome for entry in stack.ledger()}
    assert {"client_dropped", "cut", "timeout", "rate_limit", "server_error"} <= outcomes
    assert any(entry.attempt > 0 and entry.outcome == "ok" for entry in stack.ledger())
    assert any(entry.tool_calls for entry in stack.ledger())
    assert_all_agree(stack, before, served)
    assert_the_eight_fields_are_there(stack)

    assert agent.end_input() == 0
    stored = stack.snapshots()
    assert agree(numbers.of_snapshots(stored), served)
    assert len(stored) > 1


def assert_the_eight_fields_are_there(stack: Stack) -> None:
    """In the API of the registry, and in PromQL."""
    stored = stack.snapshots()
    missing = {name for name in EIGHT_FIELDS if all(item[name] is None for item in stored)}
    assert missing == set()
    labels = {"agent": "agent-under-test", "team": "quality", "agent_type": "TASK_AGENT"}
    for name in EIGHT_FIELDS:
        recorded = f'{{__name__=~"pulseguard:agent_{name}:(mean5m|rate5m|max)"}}'
        (sample,) = eventually(partial(stack.prometheus.query, recorded))
        assert labels.items() <= sample.labels.items()
        assert sample.labels["agent_id"] == stack.agent()["id"]
        assert sample.value > 0


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

    make_calls(stack.agent_process, 20, seed=2)
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
