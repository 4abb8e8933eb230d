"""The sums behind a snapshot, read from the series that /metrics shows, and their arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass, field

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
    TOKEN_KINDS,
    TOKENS,
    Metric,
)
from pulseguard.recorder import Recorder
from pulseguard.series import Series


@dataclass(frozen=True)
class Distribution:
    """A histogram summed over label sets: observations per bucket (the last is +Inf), and sum."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.counts)

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None

    def plus(self, other: "Distribution", sign: int = 1) -> "Distribution":
        counts = tuple(a + sign * b for a, b in zip(self.counts, other.counts, strict=True))
        return Distribution(self.bounds, counts, self.total + sign * other.total)


@dataclass(frozen=True)
class Totals:
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
    # The latest value, not a sum: a difference or sum keeps the later one.
    context_tokens: int | None = field(default=None)

    def plus(self, later: "Totals") -> "Totals":
        """Both intervals as one."""
        return self._combined(later, 1, later.context_tokens)

    def since(self, earlier: "Totals") -> "Totals":
        """What came after `earlier`."""
        return self._combined(earlier, -1, self.context_tokens)

    def _combined(self, other: "Totals", sign: int, context_tokens: int | None) -> "Totals":
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
            context_tokens,
        )


def read_totals(recorder: Recorder) -> Totals:
    """The totals of one moment."""
    series = recorder.series
    with series.lock:
        return Totals(
            _distribution(series, OPERATION_DURATION),
            _distribution(series, HTTP_CLIENT_DURATION),
            _distribution(series, OUTPUT_TOKENS_PER_SECOND),
            _distribution(series, EVALUATION_SCORE, ACCURACY),
            _distribution(series, EVALUATION_SCORE, CONFIDENCE),
            tuple(_sum(series, TOKENS, 2, kind) for kind in TOKEN_KINDS),
            tuple(_sum(series, ERRORS, 0, error, "chat") for error in ERROR_TYPES),
            _sum(series, TASKS, 0, "completed"),
            _sum(series, TASKS, 0, "failed") + _sum(series, TASKS, 0, "timeout"),
            recorder.last_context_tokens,
        )


def quantile(q: float, distributions: Sequence[Distribution]) -> float | None:
    """The quantile over all distributions together; None where nothing was observed.

    As PromQL's histogram_quantile: linear within a bucket, from 0 in the first, the largest finite
    bound for what lies beyond it. Distributions with different bounds are each interpolated.
    """
    count = sum(distribution.count for distribution in distributions)
    if not count:
        return None
    bounds = sorted({bound for each in distributions if each.count for bound in each.bounds})
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


def _distribution(series: Series, metric: Metric, *labels: str) -> Distribution:
    bounds = metric.bounds(series.detail)
    counts = [0] * (len(bounds) + 1)
    total = 0.0
    for values, histogram in series.histograms(metric):
        if values[: len(labels)] == labels:
            total += histogram.total
            counts = [a + b for a, b in zip(counts, histogram.counts, strict=True)]
    return Distribution(bounds, tuple(counts), total)


def _sum(series: Series, metric: Metric, first_label: int, *labels: str) -> int:
    return int(
        sum(
            number.value
            for values, number in series.numbers(metric)
            if values[first_label : first_label + len(labels)] == labels
        )
    )
