"""Numbers, ages and names in narrow cells."""

from __future__ import annotations

import pytest

from pulseguard_stack.status import wording


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\N{EN DASH}"),
        (0, "0"),
        (0.25, "0.25"),
        (9.999, "10.0"),
        (12.34, "12.3"),
        (99.96, "100"),
        (999.4, "999"),
        (999.6, "1.00k"),
        (12_345, "12.3k"),
        (2_500_000, "2.50M"),
    ],
)
def test_a_number_has_three_digits(value: float | None, text: str) -> None:
    assert wording.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "\N{EN DASH}"), (0.0321, "32ms"), (0.9999, "1.00s"), (75.2, "75.2s")]
)
def test_a_duration_is_in_milliseconds_below_a_second(value: float | None, text: str) -> None:
    assert wording.seconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "\N{EN DASH}"), (-3, "0s"), (59.9, "60s"), (61, "1m"), (90_000, "1d")],
)
def test_an_age_has_one_unit(value: float | None, text: str) -> None:
    assert wording.age(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "\N{EN DASH}"), (0.9999, "99%"), (1.0, "100%"), (0.29, "29%"), (0, "0%")],
)
def test_all_is_said_only_where_nothing_is_missing(value: float | None, text: str) -> None:
    assert wording.share(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "\N{EN DASH}"), (0, "0"), (0.0001, "<.001"), (0.0234, "0.023"), (1.5, "1.50")],
)
def test_a_small_cost_is_not_shown_as_none(value: float | None, text: str) -> None:
    assert wording.dollars(value) == text


def test_a_sparkline_begins_at_0_and_leaves_out_what_is_unknown() -> None:
    assert wording.sparkline([9, 0, None, 4, 8], 4) == "▁ ▅█"
    assert wording.sparkline([0, 0], 4) == "▁▁"
    assert wording.sparkline([], 4) == ""


def test_both_ends_of_a_long_name_stay() -> None:
    assert wording.elided("invoice-extraction/vm-0", 11) == "invoi…/vm-0"
    assert wording.elided("coder", 5) == "coder"
