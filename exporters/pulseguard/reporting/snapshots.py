"""The minute's snapshot: what it says, and those that wait to be sent."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from pulseguard.catalog import ERROR_TYPES, TOKEN_KINDS
from pulseguard.reporting.totals import Distribution, Totals, quantile

MOST_WAITING: Final = 60
# Few enough that one refused snapshot and one lost reply never hold up much.
LARGEST_BATCH: Final = 20


class Interval(NamedTuple):
    """What happened in the `seconds` before `taken_at`."""

    taken_at: datetime
    seconds: float
    totals: Totals

    def joined(self, later: "Interval") -> "Interval":
        """Both as one interval: every sum stays true."""
        return Interval(
            later.taken_at, self.seconds + later.seconds, self.totals.plus(later.totals)
        )

    def snapshot(self) -> dict[str, object]:
        """The wire form. Null is unknown, never guessed."""
        totals = self.totals
        calls = (totals.model_calls, totals.http_calls)
        return {
            "taken_at": self.taken_at.isoformat(timespec="microseconds"),
            "interval_seconds": self.seconds,
            "model_inference_time_ms": _milliseconds(totals.model_calls.mean),
            "model_inference_time_p95_ms": _milliseconds(quantile(0.95, calls[:1])),
            "model_accuracy": _share(totals.accuracy),
            "confidence_score": _share(totals.confidence),
            "tokens_processed": sum(totals.tokens),
            "tokens_per_second": totals.speed.mean,
            "context_length": totals.context_tokens,
            "api_calls_made": totals.model_calls.observed + totals.http_calls.observed,
            "api_call_latency_ms": _milliseconds(_mean(*calls)),
            "api_call_latency_p95_ms": _milliseconds(quantile(0.95, calls)),
            "model_calls": totals.model_calls.observed,
            "tokens": dict(zip(TOKEN_KINDS, totals.tokens, strict=True)),
            "model_errors": {
                error: count
                for error, count in zip(ERROR_TYPES, totals.model_errors, strict=True)
                if count
            },
            "tasks_completed": totals.tasks_completed,
            "tasks_failed": totals.tasks_failed,
            "tasks_pending": totals.tasks_pending,
        }


class Timeline:
    """Cuts an agent's life into intervals without a gap, whatever the wall clock does."""

    def __init__(self, totals: Totals, now: datetime, monotonic: float) -> None:
        self._totals = totals
        self._taken_at = now
        self._monotonic = monotonic

    @property
    def position(self) -> tuple[Totals, datetime, float]:
        """Up to where it has been cut: the totals, and when that was by both clocks."""
        return self._totals, self._taken_at, self._monotonic

    def is_up_to(self, totals: Totals) -> bool:
        """Whether nothing has happened since the last cut, where these are the totals of now."""
        return totals.since(self._totals).is_nothing

    def leave_out(self, totals: Totals) -> None:
        """Nothing has been cut yet, and these totals are not to be told."""
        self._totals = totals

    def cut(self, totals: Totals, now: datetime, monotonic: float) -> Interval:
        """The interval since the last cut; `taken_at` only ever grows."""
        seconds = max(monotonic - self._monotonic, 1e-6)
        if now <= self._taken_at:
            now = self._taken_at + max(timedelta(seconds=seconds), timedelta(microseconds=1))
        interval = Interval(now, seconds, totals.since(self._totals))
        self._totals, self._taken_at, self._monotonic = totals, now, monotonic
        return interval


class Waiting:
    """Snapshots not yet acknowledged, oldest first, at most sixty.

    What was once on its way is sent again unchanged, so that a lost reply never counts twice; the
    others are joined when there are too many.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._intervals: list[Interval] = []
        self._attempted: set[datetime] = set()

    def __len__(self) -> int:
        return len(self._intervals)

    def take_over(self, intervals: Sequence[Interval]) -> None:
        """These are another's, and may have arrived."""
        with self._lock:
            self._intervals = [*intervals, *self._intervals]
        self.attempt(intervals)

    def add(self, interval: Interval) -> None:
        with self._lock:
            self._intervals.append(interval)
            if len(self._intervals) > MOST_WAITING:
                self._join_oldest()

    def only_fresh(self) -> Interval | None:
        """The one that waits, if it is the only one and was never on its way."""
        with self._lock:
            if len(self._intervals) == 1 and not self._attempted:
                return self._intervals[0]
            return None

    def oldest(self, most: int = LARGEST_BATCH) -> list[Interval]:
        with self._lock:
            return self._intervals[:most]

    def attempt(self, intervals: Sequence[Interval]) -> None:
        """From now on these may have arrived."""
        with self._lock:
            self._attempted.update(interval.taken_at for interval in intervals)

    def remove(self, intervals: list[Interval]) -> None:
        """These are done with; harmless when repeated."""
        gone = {interval.taken_at for interval in intervals}
        with self._lock:
            self._intervals = [each for each in self._intervals if each.taken_at not in gone]
            self._attempted -= gone

    def _join_oldest(self) -> None:
        fresh = [
            index
            for index, interval in enumerate(self._intervals)
            if interval.taken_at not in self._attempted
        ]
        if len(fresh) >= 2:
            first, second = fresh[0], fresh[1]
            joined = self._intervals[first].joined(self._intervals[second])
            self._intervals[second] = joined
            del self._intervals[first]


def utc_now() -> datetime:
    return datetime.now(UTC)


def _mean(*distributions: Distribution) -> float | None:
    count = sum(distribution.observed for distribution in distributions)
    return sum(distribution.total for distribution in distributions) / count if count else None


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else max(seconds * 1000, 0.0)


def _share(scores: Distribution) -> float | None:
    return None if scores.mean is None else min(max(scores.mean, 0.0), 1.0)
