"""The sums behind a snapshot, read from the series that /metrics shows, and their arithmetic."""

from collections.abc import Sequence
from typing import NamedTuple, cast

from pulseguard.catalog import (
    ACCURACY,
    CONFIDENCE,
    ERROR_TYPES,
    ERRORS,
    EVALUATION_SCORE,
    HTTP_CLIENT_DURATION,
    OPERATION_DURATION,
    OUTPUT_TOKENS_PER_SECOND,
    TASKS,
    TASKS_PENDING,
    TOKEN_KINDS,
    TOKENS,
    Detail,
    Metric,
)
from pulseguard.recording.recorder import Recorder
from pulseguard.recording.series import HistogramReading, Readings
from pulseguard.recording.whole import Part, Whole


class Distribution(NamedTuple):
    """A histogram summed over label sets: observations per bucket (the last is +Inf), and sum."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float = 0.0

    @property
    def observed(self) -> int:
        return sum(self.counts)

    @property
    def mean(self) -> float | None:
        return self.total / self.observed if self.observed else None

    def plus(self, other: "Distribution", sign: int = 1) -> "Distribution":
        counts = tuple(a + sign * b for a, b in zip(self.counts, other.counts, strict=True))
        return Distribution(self.bounds, counts, self.total + sign * other.total)


class Totals(NamedTuple):
    """Everything a snapshot is made of; of a whole life, or of an interval as a difference."""

    model_calls: Distribution
    http_calls: Distribution
    speed: Distribution
    accuracy: Distribution
    confidence: Distribution
    tokens: tuple[int, ...] = (0,) * len(TOKEN_KINDS)
    model_errors: tuple[int, ...] = (0,) * len(ERROR_TYPES)
    tasks_completed: int = 0
    tasks_failed: int = 0
    # The latest values, not sums: a difference or sum keeps the later ones.
    context_tokens: int | None = None
    tasks_pending: int | None = None

    def plus(self, later: "Totals") -> "Totals":
        """Both intervals as one."""
        return self._combined(later, 1, later)

    def since(self, earlier: "Totals") -> "Totals":
        """What came after `earlier`."""
        return self._combined(earlier, -1, self)

    @property
    def is_nothing(self) -> bool:
        """Whether nothing has happened in this interval."""
        seen = (self.model_calls, self.http_calls, self.speed, self.accuracy, self.confidence)
        counts = (*self.tokens, *self.model_errors, self.tasks_completed, self.tasks_failed)
        return not any(counts) and not any(each.observed for each in seen)

    def _combined(self, other: "Totals", sign: int, latest: "Totals") -> "Totals":
        return Totals(
            self.model_calls.plus(other.model_calls, sign),
            self.http_calls.plus(other.http_calls, sign),
            self.speed.plus(other.speed, sign),
            self.accuracy.plus(other.accuracy, sign),
            self.confidence.plus(other.confidence, sign),
            _combine(self.tokens, other.tokens, sign),
            _combine(self.model_errors, other.model_errors, sign),
            self.tasks_completed + sign * other.tasks_completed,
            self.tasks_failed + sign * other.tasks_failed,
            latest.context_tokens,
            latest.tasks_pending,
        )


def read_totals(recorder: Recorder) -> Totals:
    """The totals of one moment."""
    _, readings = recorder.read()
    return totals_of(readings, recorder.series.detail, recorder.calls.last_context_tokens)


def whole_totals(whole: Whole) -> Totals:
    """The totals of one moment, of all processes of the agent."""
    return part_totals(whole.read(), whole.detail)


def part_totals(part: Part, detail: Detail) -> Totals:
    """The totals of these processes."""
    return totals_of(part.readings, detail, part.context_tokens)


def totals_of(readings: Readings, detail: Detail, context_tokens: int | None) -> Totals:
    """What these readings come to."""
    return Totals(
        _distribution(readings, OPERATION_DURATION, detail),
        _distribution(readings, HTTP_CLIENT_DURATION, detail),
        _distribution(readings, OUTPUT_TOKENS_PER_SECOND, detail),
        _distribution(readings, EVALUATION_SCORE, detail, ACCURACY),
        _distribution(readings, EVALUATION_SCORE, detail, CONFIDENCE),
        tuple(_sum(readings, TOKENS, 2, kind) for kind in TOKEN_KINDS),
        tuple(_sum(readings, ERRORS, 0, error, "chat") for error in ERROR_TYPES),
        _sum(readings, TASKS, 0, "completed"),
        _sum(readings, TASKS, 0, "failed") + _sum(readings, TASKS, 0, "timeout"),
        context_tokens,
        _latest(readings, TASKS_PENDING),
    )


def quantile(q: float, distributions: Sequence[Distribution]) -> float | None:
    """The quantile over all distributions together; None where nothing was observed.

    As PromQL's histogram_quantile: linear within a bucket, from 0 in the first, the largest finite
    bound for what lies beyond it. Distributions with different bounds are each interpolated.
    """
    count = sum(distribution.observed for distribution in distributions)
    if not count:
        return None
    bounds = sorted({bound for each in distributions if each.observed for bound in each.bounds})
    rank = q * count
    lower, below = 0.0, 0.0
    for upper in bounds:
        up_to = sum(_observed_up_to(upper, distribution) for distribution in distributions)
        if up_to >= rank:
            return lower + (upper - lower) * (rank - below) / (up_to - below) if up_to else upper
        lower, below = upper, up_to
    return bounds[-1]


def _observed_up_to(value: float, distribution: Distribution) -> float:
    lower, below = 0.0, 0.0
    for upper, count in zip(distribution.bounds, distribution.counts, strict=False):
        if value < upper:
            return below + count * (value - lower) / (upper - lower)
        lower, below = upper, below + count
    return below


def _combine(left: tuple[int, ...], right: tuple[int, ...], sign: int) -> tuple[int, ...]:
    return tuple(a + sign * b for a, b in zip(left, right, strict=True))


def _distribution(readings: Readings, metric: Metric, detail: Detail, *labels: str) -> Distribution:
    bounds = metric.bounds(detail)
    counts = [0] * (len(bounds) + 1)
    total = 0.0
    for values, reading in readings.get(metric.name, ()):
        if values[: len(labels)] == labels:
            histogram = cast(HistogramReading, reading)
            total += histogram.total
            counts = [a + b for a, b in zip(counts, histogram.counts, strict=True)]
    return Distribution(bounds, tuple(counts), total)


def _sum(readings: Readings, metric: Metric, first_label: int, *labels: str) -> int:
    return int(
        sum(
            cast(float, value)
            for values, value in readings.get(metric.name, ())
            if values[first_label : first_label + len(labels)] == labels
        )
    )


def _latest(readings: Readings, metric: Metric) -> int | None:
    found = readings.get(metric.name)
    return int(cast(float, found[0][1])) if found else None
