"""Measured values as people read them."""

from __future__ import annotations

import pytest

from pulseguard_registry.operating.measured import rounded, told_snapshot


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2230.1541112487207, "2230"),
        (60.20913923700209, "60.2"),
        (0.123456, "0.123"),
        (-2.5, "-2.50"),
        (3.0, "3"),
        (8020, "8020"),
        (0, "0"),
        (1.23456e-9, "1.23e-09"),
        (float("nan"), "NaN"),
        (float("inf"), "+Inf"),
    ],
)
def test_a_value_has_a_few_digits_that_tell_something(value: float, text: str) -> None:
    assert rounded(value) == text


def test_a_snapshot_is_told_by_name_with_units_and_without_what_is_unknown() -> None:
    snapshot = {
        "taken_at": "2026-11-28T10:00:00+00:00",
        "interval_seconds": 60.20913923700209,
        "model_inference_time_p95_ms": 840.5123,
        "confidence_score": None,
        "tokens_per_second": 41.0519,
        "model_calls": 12,
        "tokens": {"input": 8020, "cache_read": 0},
        "model_errors": {},
    }

    told = dict(told_snapshot(snapshot))

    assert told.pop("taken").endswith(" ago (2026-11-28T10:00:00+00:00)")
    assert told == {
        "interval": "60.2 s",
        "model inference time p95": "841 ms",
        "tokens per second": "41.1",
        "model calls": "12",
        "tokens": "8020 input, 0 cache read",
    }
