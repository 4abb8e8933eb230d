"""In every way and with every fate: numbers are the ledger's, and the caller sees no difference."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pulseguard_stack.model_server.ledger import Entry, Tokens
from pulseguard_stack.model_server.outcomes import ERROR_TYPES
from tests.exporters.instrumentation.model_server import model_server
from tests.exporters.instrumentation.openai.scenarios import (
    FATES_OF_STREAMS,
    Scenario,
    scenarios,
)
from tests.exporters.instrumentation.previous_clients import previous_clients

PROGRAM = "tests.exporters.instrumentation.openai.running"
REPOSITORY = Path(__file__).parents[4]
# Quick, but so that a stream is under way for a while; and that waits are long against our own.
PACE = ("--first-token-median", "0.04", "--token-median", "0.001", "--token-sigma", "0")
FAULTS = ("--stall-seconds", "5", "--retry-after-ms", "5")
# The client's patience begins before its request arrives, and may end before.
OUT_OF_PATIENCE = ("timeout", "cancelled")
GIVEN_UP = (*FATES_OF_STREAMS, "cancelled")


Pair = tuple[Any, Any]  # what was found, what was due


@dataclass(frozen=True)
class Results:
    """All scenarios with one major, run twice, and what the server says of the measured run."""

    plain: Any
    instrumented: Any
    ledger: dict[str, list[Entry]]

    def attempts(self, scenario: Scenario) -> list[Entry]:
        return self.ledger.get(scenario.name, [])


Judge = Callable[[Scenario, Any, Results], Pair]


@pytest.fixture(scope="module", params=["current", "previous"])
def results(request: pytest.FixtureRequest) -> Results:
    path = str(previous_clients()) if request.param == "previous" else ""
    with model_server(*PACE, *FAULTS) as server, ThreadPoolExecutor() as both:
        run_as = partial(run, server.url, path)
        plain, instrumented = both.map(run_as, ("plain", "instrumented"))
        ledger: dict[str, list[Entry]] = {}
        for entry in server.entries():
            if entry.agent == "instrumented":
                ledger.setdefault(entry.call, []).append(entry)
    major = "2" if path else "3"
    assert instrumented["version"].partition(".")[0] == major
    return Results(plain["scenarios"], instrumented["scenarios"], ledger)


def run(url: str, path: str, who: str) -> Any:
    command = [sys.executable, "-m", PROGRAM, f"{url}/v1", who]
    paths = [path, os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    done = subprocess.run(
        command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def exceptions(results: Results, judge: Judge) -> dict[str, Any]:
    """Where the judge finds something else than what was recorded: both, by scenario."""
    judged = {
        each.name: judge(each, results.instrumented[each.name]["recorded"], results)
        for each in scenarios()
    }
    assert len(judged) > 200
    return {name: (found, due) for name, (found, due) in judged.items() if found != due}


def test_the_caller_sees_what_he_sees_without(results: Results):
    plain = {name: result["seen"] for name, result in results.plain.items()}
    instrumented = {name: result["seen"] for name, result in results.instrumented.items()}

    assert [name for name in plain if plain[name] != instrumented.get(name)] == []
    assert all(plain.values())


def test_every_call_counts_once_and_as_the_ledger_says(results: Results):
    def judge(scenario: Scenario, recorded: Any, results: Results) -> Pair:
        attempts = results.attempts(scenario)
        never_arrived = not attempts and scenario.fate in OUT_OF_PATIENCE
        assert len(attempts) == (2 if scenario.fate == "retried" else 1) or never_arrived
        due = {
            "calls": 1,
            "in_progress": 0,
            "failures": {},
            "names": [names(scenario)],
            "errors": errors(scenario, attempts),
            "retries": {"rate_limit": 1} if len(attempts) > 1 else {},
            "tokens": tokens(scenario, attempts, recorded),
        }
        return {what: recorded[what] for what in due}, due

    assert exceptions(results, judge) == {}


def test_calls_whose_tokens_nobody_told_are_counted(results: Results):
    def judge(scenario: Scenario, recorded: Any, results: Results) -> Pair:
        answered = recorded["first_chunks"] or not recorded["errors"]
        if scenario.fate == "cancelled" and not scenario.streams:
            answered = False
        return recorded["without_usage"], int(answered and not recorded["tokens"])

    assert exceptions(results, judge) == {}


def test_seconds_are_those_from_the_request_to_the_last_byte(results: Results):
    def judge(scenario: Scenario, recorded: Any, results: Results) -> Pair:
        if scenario.fate not in ("ok", "retried"):
            return True, True
        attempts = results.attempts(scenario)
        served = attempts[-1].last_byte_at - attempts[0].received_at
        longest = results.instrumented[scenario.name]["seconds"]
        return served - 0.005 <= recorded["seconds"] <= longest, True

    assert exceptions(results, judge) == {}


def test_the_first_chunk_of_a_stream_is_timed_and_of_nothing_else(results: Results):
    def judge(scenario: Scenario, recorded: Any, results: Results) -> Pair:
        reached = scenario.fate in ("ok", "retried", "cut", "closed", "abandoned", "cancelled")
        due = int(scenario.streams and reached)
        if not due:
            return recorded["first_chunks"], due
        last = results.attempts(scenario)[-1]
        assert last.first_byte_at is not None
        soonest = last.first_byte_at - last.received_at - 0.005
        in_time = soonest <= recorded["first_chunk_seconds"] <= recorded["seconds"]
        return (recorded["first_chunks"], in_time), (due, True)

    assert exceptions(results, judge) == {}


def test_pace_and_context_are_told_by_usage(results: Results):
    def judge(scenario: Scenario, recorded: Any, results: Results) -> Pair:
        told = recorded["tokens"]
        # Many texts at once are no context.
        has_context = told and scenario.endpoint != "embeddings"
        due = [told["input"] + told.get("cache_read", 0)] if has_context else []
        paces = int(scenario.streams and bool(told) and not recorded["errors"])
        return (recorded["paces"], recorded["context"]), (paces, due)

    assert exceptions(results, judge) == {}


def names(scenario: Scenario) -> str:
    if scenario.endpoint == "embeddings":
        return "embeddings/openai/text-embedding-3-small"
    return "chat/openai/o4-mini"


def errors(scenario: Scenario, attempts: list[Entry]) -> dict[str, int]:
    if scenario.fate in GIVEN_UP:
        return {}
    if not attempts:
        return {"timeout": 1}
    error = ERROR_TYPES.get(attempts[-1].outcome)
    return {} if error is None else {error: 1}


def tokens(scenario: Scenario, attempts: list[Entry], recorded: Any) -> dict[str, int]:
    """Those of the usage that was sent; what is given up never reaches the caller.

    But a cancellation is seen at the next wait, and a stream that has arrived needs none.
    """
    came_too_late = scenario.fate == "cancelled" and recorded["tokens"]
    if scenario.fate in GIVEN_UP and not came_too_late:
        return {}
    sent = attempts[-1].tokens if attempts else Tokens()
    return {kind: count for kind, count in vars(sent).items() if count}
