"""The numbers of an agent that calls Claude are those of the server's ledger, call by call."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pulseguard.catalog import (
    CALLS_IN_PROGRESS,
    CALLS_WITHOUT_USAGE,
    CONTEXT_TOKENS,
    ERRORS,
    OPERATION_DURATION,
    OUTPUT_TOKENS_PER_SECOND,
    RETRIES,
    TIME_PER_OUTPUT_TOKEN,
    TIME_TO_FIRST_CHUNK,
    TOKENS,
)
from pulseguard_stack.model_server.ledger import Entry, Tokens
from pulseguard_stack.model_server.outcomes import ERROR_TYPES, Outcome
from tests.exporters.instrumentation.anthropic.runs import Run, Runs


def told(scenario: str, entry: Entry) -> Tokens:
    """What a client can know: of a stream that was never read, nothing."""
    return Tokens() if "unread" in scenario and entry.stream else entry.tokens


def expected(run: Run, scenario: str) -> dict[str, Any]:
    """What the ledger says that the agent's numbers are to be."""
    calls = run.calls(scenario)
    errors: dict[str, float] = {}
    paces = speeds = chunks = unknown = 0
    tokens = Tokens()
    for call in calls:
        last = call[-1]
        error = ERROR_TYPES.get(last.outcome)
        if error is not None:
            errors[error] = errors.get(error, 0) + 1
        known = told(scenario, last)
        tokens += known
        answered = not scenario.startswith("async cancelled: ")
        unknown += answered and known == Tokens() and error is None
        chunks += last.stream and known != Tokens()
        output = known.output + known.reasoning
        finished = last.outcome is Outcome.OK
        speeds += finished and output > 0
        paces += finished and last.stream and output > 1
    return {
        "calls": len(calls),
        "retries": sum(map(len, calls)) - len(calls),
        "failed": sum(errors.values()),
        "errors": errors,
        "tokens": {kind: count for kind, count in asdict(tokens).items() if count},
        "without usage": unknown,
        "first chunks": chunks,
        "paces": paces,
        "speeds": speeds,
        "in progress": 0,
    }


def counted(run: Run, scenario: str) -> dict[str, Any]:
    """The agent's numbers."""
    count = f"{OPERATION_DURATION.name}_count"
    return {
        "calls": run.grown(scenario, count),
        "retries": run.grown(scenario, RETRIES.name),
        "failed": run.growth(scenario, count, "error_type").get("_OTHER", 0),
        "errors": run.growth(scenario, ERRORS.name, "error_type"),
        "tokens": run.growth(scenario, TOKENS.name, "gen_ai_token_type"),
        "without usage": run.grown(scenario, CALLS_WITHOUT_USAGE.name),
        "first chunks": run.grown(scenario, f"{TIME_TO_FIRST_CHUNK.name}_count"),
        "paces": run.grown(scenario, f"{TIME_PER_OUTPUT_TOKEN.name}_count"),
        "speeds": run.grown(scenario, f"{OUTPUT_TOKENS_PER_SECOND.name}_count"),
        "in progress": run.grown(scenario, CALLS_IN_PROGRESS.name),
    }


def test_each_major_version_is_there(all_runs):
    majors = [runs.measured.version.split(".")[0] for runs in all_runs.values()]

    assert majors == ["2", "1"]


def test_callers_get_what_they_get_without_instrumentation(runs: Runs) -> None:
    measured, plain = runs.measured.seen, runs.plain.seen

    assert len(plain) > 120
    different = {name for name in plain if measured[name] != plain[name]}
    assert {name: (measured[name][-1:], plain[name][-1:]) for name in different} == {}
    assert list(measured) == list(plain)


def test_every_call_is_counted_once_and_as_the_ledger_has_it(runs: Runs) -> None:
    run = runs.measured
    wanted = {scenario: expected(run, scenario) for scenario in run.seen}
    found = {scenario: counted(run, scenario) for scenario in run.seen}

    wrong = [name for name in wanted if found[name] != wanted[name]]
    assert {name: (found[name], wanted[name]) for name in wrong} == {}


def test_the_mix_had_everything_in_it(runs: Runs) -> None:
    run = runs.measured
    entries = [entry for scenario in run.seen for entry in run.entries.get(scenario, [])]
    tokens = sum((entry.tokens for entry in entries), Tokens())

    assert min(asdict(tokens).values()) > 0
    assert {entry.outcome for entry in entries} == set(Outcome)


def test_calls_last_as_long_as_the_ledger_and_the_callers_clock_say(runs: Runs) -> None:
    run = runs.measured
    all_counted = all_served = 0.0
    wrong = {}
    for scenario, wall in run.seconds.items():
        counted = run.grown(scenario, f"{OPERATION_DURATION.name}_sum")
        served = sum(map(_served_seconds, run.calls(scenario)))
        all_counted, all_served = all_counted + counted, all_served + served
        # The ledger's clock is read after the last byte was sent: on a busy machine much later.
        if not served - 0.25 <= counted <= wall or bool(counted) != bool(run.calls(scenario)):
            wrong[scenario] = (served, counted, wall)

    assert wrong == {}
    assert all_counted > 0.9 * all_served


def _served_seconds(call: list[Entry]) -> float:
    """How long the caller has waited at least; the server notices late that he has left."""
    first, last = call[0], call[-1]
    if last.outcome is Outcome.TIMEOUT:
        return 0.2
    if last.outcome is Outcome.CLIENT_DROPPED or last.call.startswith("sync unread: left"):
        return 0
    return last.last_byte_at - first.received_at


def test_the_first_chunk_comes_when_the_ledger_says(runs: Runs) -> None:
    run = runs.measured
    seconds, wrong = {}, {}
    for scenario in run.seconds:
        calls = run.calls(scenario)
        waited = run.grown(scenario, f"{TIME_TO_FIRST_CHUNK.name}_sum")
        if len(calls) == 1 and waited:
            first = (calls[0][-1].first_byte_at or 0) - calls[0][0].received_at
            seconds[scenario] = waited
            if not first - 0.005 <= waited <= run.grown(scenario, f"{OPERATION_DURATION.name}_sum"):
                wrong[scenario] = (first, waited)

    assert wrong == {}
    assert len(seconds) > 40
    # The slow server's first token comes after 20 ms, its last much later.
    assert 0.015 < seconds["sync closed: left"] < run.seconds["sync closed: left"]


def test_the_context_is_the_whole_input_cached_or_not(runs: Runs) -> None:
    run = runs.measured
    for way in ("sync create: cached", "async stream: cached"):
        first, second = (call[-1].tokens for call in run.calls(way))
        before = run.calls(way.replace("cached", "short"))[-1][-1].tokens

        assert first.cache_write == second.cache_read > 1024
        whole = second.input + second.cache_read + second.cache_write
        assert run.grown(way, CONTEXT_TOKENS.name) == whole - before.input


def test_calls_are_named_as_opentelemetry_names_them(runs: Runs) -> None:
    names = {
        tuple(sorted(labels.items()))
        for numbers in runs.measured.numbers.values()
        for sample, labels, _ in numbers
        if sample == f"{TIME_TO_FIRST_CHUNK.name}_count"
    }

    assert names == {
        (
            ("gen_ai_operation_name", "chat"),
            ("gen_ai_provider_name", "anthropic"),
            ("gen_ai_request_model", "claude-sonnet-5"),
        )
    }
