"""The snapshots that wait to be sent: bounded, true in sum, unchanged once on their way."""

from datetime import UTC, datetime, timedelta

import pytest

from pulseguard.catalog import AGENT_METRICS
from pulseguard.recording.recorder import Recorder
from pulseguard.recording.series import Series
from pulseguard.reporting.snapshots import LARGEST_BATCH, MOST_WAITING, Interval, Timeline, Waiting
from pulseguard.reporting.totals import Distribution, Totals, quantile, read_totals

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def empty_totals() -> Totals:
    return read_totals(Recorder(Series(AGENT_METRICS, "lean", 1000)))


def interval(minute: int, tasks: int = 1) -> Interval:
    totals = empty_totals()
    done = Totals(
        totals.model_calls,
        totals.http_calls,
        totals.speed,
        totals.accuracy,
        totals.confidence,
        tasks_completed=tasks,
    )
    return Interval(NOON + timedelta(minutes=minute), 60.0, done)


def test_too_many_are_joined_and_no_sum_is_lost() -> None:
    waiting = Waiting()

    for minute in range(10 * MOST_WAITING):
        waiting.add(interval(minute))

    kept = waiting.oldest(1000)
    assert len(kept) == MOST_WAITING
    assert sum(each.totals.tasks_completed for each in kept) == 10 * MOST_WAITING
    assert sum(each.seconds for each in kept) == 60.0 * 10 * MOST_WAITING
    assert [each.taken_at for each in kept] == sorted({each.taken_at for each in kept})


def test_what_was_on_its_way_is_never_changed() -> None:
    waiting = Waiting()
    for minute in range(MOST_WAITING):
        waiting.add(interval(minute))
    on_their_way = waiting.oldest()
    waiting.attempt(on_their_way)

    for minute in range(MOST_WAITING, 10 * MOST_WAITING):
        waiting.add(interval(minute))

    assert waiting.oldest() == on_their_way
    assert len(on_their_way) == LARGEST_BATCH
    assert len(waiting) == MOST_WAITING


def test_the_only_one_goes_with_a_heartbeat_unless_it_was_on_its_way() -> None:
    waiting = Waiting()
    waiting.add(interval(0))
    alone = waiting.only_fresh()
    waiting.attempt(waiting.oldest())
    tried = waiting.only_fresh()
    waiting.remove(waiting.oldest())
    waiting.add(interval(1))
    waiting.add(interval(2))

    assert alone == interval(0)
    assert tried is None
    assert waiting.only_fresh() is None


def test_the_time_of_a_snapshot_only_grows_when_the_clock_goes_back() -> None:
    timeline = Timeline(empty_totals(), NOON, 100.0)

    first = timeline.cut(empty_totals(), NOON - timedelta(hours=1), 160.0)
    second = timeline.cut(empty_totals(), NOON - timedelta(hours=1), 220.0)
    third = timeline.cut(empty_totals(), NOON + timedelta(hours=1), 280.0)

    assert first.taken_at == NOON + timedelta(seconds=60)
    assert second.taken_at == NOON + timedelta(seconds=120)
    assert third.taken_at == NOON + timedelta(hours=1)
    assert [each.seconds for each in (first, second, third)] == [60.0, 60.0, 60.0]


@pytest.mark.parametrize(
    ("counts", "q", "expected"),
    [
        ((0, 0, 0, 0), 0.95, None),
        ((100, 0, 0, 0), 0.95, 0.95),
        ((50, 50, 0, 0), 0.95, 1.9),
        ((0, 0, 10, 0), 0.5, 3.0),
        ((0, 0, 0, 7), 0.95, 4.0),
        ((10, 0, 10, 0), 0.5, 1.0),
    ],
)
def test_a_quantile_is_what_promql_computes(
    counts: tuple[int, ...], q: float, expected: float | None
) -> None:
    found = quantile(q, [Distribution((1.0, 2.0, 4.0), counts)])

    assert found == (None if expected is None else pytest.approx(expected))


def test_a_quantile_over_different_bounds_lies_between_theirs() -> None:
    calls = Distribution((1.0, 2.0, 4.0), (10, 10, 0, 0))
    outbound = Distribution((0.5, 4.0), (20, 0, 0))

    both = quantile(0.95, [calls, outbound])

    assert both == pytest.approx(1.8)
