"""Times as they are given to a verb, and what is none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pulseguard_registry.durations import read_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45m", 2_700),
        ("2h", 7_200),
        ("1d", 86_400),
        ("1h30m", 5_400),
        ("1w2d3h4m5s6ms", 788_645.006),
        ("1y", 31_536_000),
        ("0s", 0),
    ],
)
def test_a_duration_of_prometheus_is_read(text: str, seconds: float) -> None:
    assert read_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "90", "m", "1.5h", "-1h", "30m1h", "1h1h", "1h 30m", "٣h"])
def test_what_is_no_duration_is_not_guessed(text: str) -> None:
    assert read_duration(text) is None
