"""Summing up ledger entries, and the pieces that decide without a server."""

from __future__ import annotations

import statistics
from random import Random
from typing import Any

import pytest

from pulseguard_stack.model_server.errors import BadSetting
from pulseguard_stack.model_server.faults import Fault, FaultRates, draw_fault, requested_fault
from pulseguard_stack.model_server.ledger import Entry, ModelTotals, Tokens, summarize
from pulseguard_stack.model_server.luck import luck_of_call
from pulseguard_stack.model_server.outcomes import ERROR_TYPES, Outcome
from pulseguard_stack.model_server.prompt_cache import PromptCache, PromptCacheSettings
from pulseguard_stack.model_server.schema_values import value_for
from pulseguard_stack.model_server.timing import Timing, token_offsets
from pulseguard_stack.model_server.tokens import count_tokens, tokenize


def entry(
    call: str,
    attempt: int,
    outcome: str,
    begin: float,
    end: float,
    model: str = "m",
    **more: Any,
) -> Entry:
    fields: dict[str, Any] = {
            "sequence": 1, "arrival": 1, "call": call, "attempt": attempt, "agent": "a",
            "endpoint": "/", "model": model, "stream": False, "outcome": Outcome(outcome),
            "status": 200, "tokens": Tokens(), "output_tokens_sent": 0, "tool_calls": 0,
            "received_at": begin, "first_byte_at": end, "last_byte_at": end, **more,
    }  # fmt: skip
    return Entry(**fields)


def test_a_call_lasts_from_its_first_arrival_to_its_last_byte_and_ends_as_its_last_attempt():
    entries = [
        entry("b", 1, "cut", 6.0, 7.0),
        entry("a", 1, "ok", 3.0, 5.0, tokens=Tokens(1, 2, 3, 4, 5), tool_calls=2),
        entry("a", 0, "rate_limit", 1.0, 1.5),
        entry("b", 0, "server_error", 5.0, 5.5, tokens=Tokens(input=9)),
        entry("c", 0, "bad_request", 0.0, 0.5, model="n"),
    ]

    assert summarize(entries) == {
        "m": ModelTotals(
            calls=2, attempts=4, tool_calls=2, tokens=Tokens(10, 2, 3, 4, 5),
            errors={"network": 1}, mean_seconds=3.0,
        ),
        "n": ModelTotals(calls=1, attempts=1, errors={"_OTHER": 1}, mean_seconds=0.5),
    }  # fmt: skip


def test_every_outcome_is_an_error_type_or_no_error():
    assert set(Outcome) - set(ERROR_TYPES) == {Outcome.OK, Outcome.CLIENT_DROPPED}


@pytest.mark.parametrize("text", ["", "Hello,  world_1!\n\tñandú 12345 日本語 🙂", "a" * 20])
def test_tokens_joined_are_the_text_again(text):
    assert "".join(tokenize(text)) == text
    assert count_tokens(text) == len(tokenize(text))


def test_the_median_and_the_spread_of_times_are_as_set():
    timing = Timing(0.5, 0.4, 0.02, 0.3, speed=2)
    runs = [token_offsets(timing, 11, Random(seed)) for seed in range(2000)]

    assert statistics.median(run[0] for run in runs) == pytest.approx(0.25, rel=0.05)
    assert statistics.median(run[5] - run[4] for run in runs) == pytest.approx(0.01, rel=0.05)
    assert all(run == sorted(run) and len(run) == 11 for run in runs)


def test_medians_of_zero_mean_no_wait():
    assert token_offsets(Timing(0, 1, 0, 1), 3, Random(1)) == [0, 0, 0]
    assert token_offsets(Timing(0, 1, 0, 1), 0, Random(1)) == [0]


def test_faults_come_in_their_shares():
    rates = FaultRates(rate_limit=0.1, server_error=0.2, timeout=0.05, cut=0.05)
    luck = Random(3)
    drawn = [draw_fault(rates, luck) for _ in range(10_000)]

    shares = {fault: drawn.count(fault) / 10_000 for fault in set(drawn)}
    assert shares == {
        Fault.RATE_LIMIT: pytest.approx(0.1, abs=0.02),
        Fault.SERVER_ERROR: pytest.approx(0.2, abs=0.02),
        Fault.TIMEOUT: pytest.approx(0.05, abs=0.01),
        Fault.CUT: pytest.approx(0.05, abs=0.01),
        Fault.NONE: pytest.approx(0.6, abs=0.02),
    }


def test_the_attempts_of_a_call_have_their_own_luck():
    assert luck_of_call(1, "a", 0).random() == luck_of_call(1, "a", 0).random()
    assert luck_of_call(1, "a", 0).random() != luck_of_call(1, "a", 1).random()


def test_rates_beyond_one_are_refused():
    with pytest.raises(BadSetting, match="sum 1 or less"):
        FaultRates(rate_limit=0.6, cut=0.6)


def test_a_requested_fault_ends_after_its_attempts():
    assert [requested_fault("429*2", attempt) for attempt in range(3)] == ["429", "429", "ok"]
    assert requested_fault("timeout", 50) == "timeout"


def test_the_cache_knows_prefixes_in_blocks_per_model_and_forgets_the_oldest():
    cache = PromptCache(PromptCacheSettings(4, 2, 4))
    prompt = list("abcdef")

    assert cache.read_and_write("m", prompt) == 0
    assert cache.read_and_write("m", [*"abcdxy"]) == 4
    assert cache.read_and_write("m", [*"abxxxx"]) == 0
    assert cache.read_and_write("n", prompt) == 0
    assert cache.read_and_write("m", prompt) == 0


@pytest.mark.parametrize(
    ("schema", "fits"),
    [
        ({"type": "integer", "exclusiveMinimum": 4, "exclusiveMaximum": 6}, lambda v: v == 5),
        ({"type": "number", "minimum": 0.2, "maximum": 0.3}, lambda v: 0.2 <= v <= 0.3),
        ({"type": "integer", "maximum": -5}, lambda v: v <= -5),
        ({"type": "integer", "multipleOf": 7, "minimum": 10, "maximum": 20}, lambda v: v == 14),
        ({"type": "string", "minLength": 9, "maxLength": 9}, lambda v: len(v) == 9),
        ({"type": ["null", "boolean"]}, lambda v: isinstance(v, bool)),
        ({"type": "array", "minItems": 2, "items": {"type": "null"}}, lambda v: v == [None] * 2),
        ({"anyOf": [{"const": 3}, {"type": "string"}]}, lambda v: v == 3),
        ({"type": "object", "required": ["a"]}, lambda v: v == {"a": {}}),
        ({"allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}]},
         lambda v: v == {"a": 1, "b": 2}),
        ({}, lambda v: v == {}),
    ],
)  # fmt: skip
def test_values_fit_their_schema(schema, fits):
    assert all(fits(value_for(schema, Random(seed))) for seed in range(50))


def test_a_schema_that_contains_itself_comes_to_an_end():
    tree = {"type": "object", "properties": {"left": {"$ref": "#"}, "right": {"$ref": "#"}}}

    assert value_for(tree, Random(1))["left"]["right"].keys() == {"left", "right"}


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": 3},
        {"type": "array", "minItems": 10**9},
        {"type": "string", "minLength": "x"},
        {"required": ["a"], "properties": {"a": {"$ref": "#"}}},
    ],
)
def test_an_unusable_schema_is_a_value_error(schema):
    with pytest.raises(ValueError, match=r"schema|simulation"):
        value_for(schema, Random(1))
