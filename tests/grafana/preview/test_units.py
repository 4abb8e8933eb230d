"""Numbers are written as Grafana writes them."""

from __future__ import annotations

import math
import time

import pytest

from pulseguard_grafana.preview.units import written


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.00042, "s", "420 µs"),
        (0.25, "s", "250 ms"),
        (90, "s", "1.50 mins"),
        (7200, "s", "2 hours"),
        (0, "s", "0 s"),
        (0.5, "ms", "0.500 ms"),
        (1500, "ms", "1.50 s"),
        (0.983, "percentunit", "98.3%"),
        (12, "percent", "12%"),
        (1234.5, "currencyUSD", "$1.23K"),
        (0.0123, "currencyUSD", "$0.0123"),
        (1234567, "short", "1.23 Mil"),
        (999, "short", "999"),
        (1536, "bytes", "1.50 KiB"),
        (3, "none", "3"),
        (1200, "reqps", "1.20K req/s"),
        (0.5, "ops", "0.500 ops/s"),
        (3, "suffix: agents", "3 agents"),
        (25, "count:tok/s", "25 tok/s"),
        (7, "parsec", "7 parsec"),
        (-2.5, "none", "-2.50"),
        (math.nan, "s", "NaN"),
        (math.inf, "none", "+Inf"),
    ],
)
def test_a_number_is_written_in_its_unit(value, unit, text):
    assert written(value, unit) == text


def test_decimals_are_as_many_as_are_wanted():
    assert written(2, "none", 2) == "2.00"
    assert written(0.98765, "percentunit", 0) == "99%"


@pytest.mark.parametrize(
    ("spent", "decimals", "text"),
    [
        (0.0012, 2, "<$0.01"),
        (0.00001, 4, "<$0.0001"),
        (0.3, 0, "<$1"),
        (-0.0012, 2, ">-$0.01"),
        (0.0051, 2, "$0.01"),
        (0, 2, "$0.00"),
        (1200, 2, "$1.20K"),
        (100, 0, "$100"),
    ],
)
def test_what_was_spent_is_not_rounded_to_nothing(spent, decimals, text):
    assert written(spent, "currencyUSD", decimals) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(90, "2 minutes ago"), (3700, "1 hour ago"), (-400, "in 7 minutes")]
)
def test_a_moment_is_told_by_how_far_it_is_from_now(seconds, text):
    assert written(1000 * (time.time() - seconds), "dateTimeFromNow") == text
