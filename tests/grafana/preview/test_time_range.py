"""The time that a panel shows, and what follows from it."""

from __future__ import annotations

from datetime import datetime

import pytest

from pulseguard_grafana.preview.errors import NotUnderstood
from pulseguard_grafana.preview.interpolation import filled, times
from pulseguard_grafana.preview.time_range import TimeRange, pace, range_since, seconds_of

# A Thursday, by the clock of this machine.
NOW = datetime(2026, 11, 26, 15, 30, 10)


@pytest.mark.parametrize(
    ("since", "begin"),
    [
        ("now-1h", datetime(2026, 11, 26, 14, 30, 10)),
        ("90m", datetime(2026, 11, 26, 14, 0, 10)),
        ("now/d", datetime(2026, 11, 26)),
        ("now-1d/d", datetime(2026, 11, 25)),
        ("now/w", datetime(2026, 11, 23)),
        ("now/M", datetime(2026, 11, 1)),
        ("now/h", datetime(2026, 11, 26, 15)),
    ],
)
def test_a_range_begins_when_grafana_says(since, begin):
    shown = range_since(since, NOW.timestamp())

    assert datetime.fromtimestamp(shown.start) == begin
    assert shown.end == NOW.timestamp()


@pytest.mark.parametrize("since", ["", "yesterday", "now-", "1", "now/x", "-5", "1h2"])
def test_what_is_no_time_is_refused(since):
    with pytest.raises(NotUnderstood):
        range_since(since, NOW.timestamp())


@pytest.mark.parametrize(
    ("hours", "closest", "step", "rate_interval"),
    [(1, 10, 10, 40), (1, 60, 60, 70), (24, 10, 120, 130), (24 * 30, 10, 3600, 3610)],
)
def test_steps_are_round_and_windows_hold_four_scrapes(hours, closest, step, rate_interval):
    found = pace(TimeRange(0, 3600 * hours), 600, 10, closest)

    assert (found.step, found.rate_interval) == (step, rate_interval)


def test_windows_are_filled_in_as_prometheus_reads_them():
    shown = TimeRange(0, 3600)
    variables = times(shown, pace(shown, 600, 10, 10))

    assert filled("[$__range] [$__rate_interval] ${__interval} $__range_s", variables) == (
        "[3600s] [40s] 10s 3600"
    )


def test_a_duration_may_have_several_parts():
    assert seconds_of("1h30m") == 5400
    assert seconds_of("500ms") == 0.5
