"""The numbers of one agent are the same in four places, and right."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from functools import partial

import pytest

from tests.end_to_end import numbers
from tests.end_to_end.conftest import Stack
from tests.end_to_end.numbers import Numbers
from tests.prometheus_server import eventually

LONG = bool(os.environ.get("PULSEGUARD_TEST_LONG"))
CALLS = 2000 if LONG else 100
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
    before = eventually(stack.counters_in_prometheus)

    preparing_ms = stack.make_calls(CALLS, seed=1)

    served = seen_by_the_agent(numbers.of_ledger(stack.ledger()), preparing_ms)
    assert set(served.errors) >= {"timeout", "rate_limit", "server_error", "network", "auth"}
    assert {"input", "cache_read", "output", "reasoning"} == set(served.tokens)
    outcomes = {entry.outcome for entry in stack.ledger()}
    assert {"client_dropped", "cut", "timeout", "rate_limit", "server_error"} <= outcomes
    assert any(entry.attempt > 0 and entry.outcome == "ok" for entry in stack.ledger())
    assert any(entry.tool_calls for entry in stack.ledger())
    assert_all_agree(stack, before, served)
    assert_the_eight_fields_are_there(stack)

    assert stack.agent_process.end_input() == 0
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
