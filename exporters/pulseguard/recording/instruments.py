"""What the author of a metric of his own holds in his hand: a counter, gauge or histogram."""

from typing import Self

from pulseguard.catalog import Metric
from pulseguard.errors import UnusableMetric
from pulseguard.guard import Guard, guarded
from pulseguard.recording.series import Histogram, Number, Series
from pulseguard.recording.values import amount, number

_OPERATION = "record in a metric of the agent's own"


class Instrument:
    """One metric, or one label set of it; without a metric, for one that is refused, nothing.

    A label set is looked up once, unless it is folded: each recording into `_OTHER` is counted.
    """

    def __init__(
        self,
        series: Series,
        guard: Guard,
        metric: Metric | None,
        values: tuple[str, ...] | None = None,
    ) -> None:
        self._series = series
        self._guard = guard
        self._metric = metric
        self._values = () if metric is not None and not metric.labels else values
        self._number: Number | None = None
        self._histogram: Histogram | None = None

    def labels(self, **values: object) -> Self:
        """The label set to record in: `documents.labels(kind="pdf").inc()`. Keep it, for speed."""
        nothing = type(self)(self._series, self._guard, None)
        return self._guard.attempt("find a label set", nothing, self._label_set, values)

    def _label_set(self, values: dict[str, object]) -> Self:
        metric = self._metric
        if metric is None:
            return self
        if values.keys() != set(metric.labels):
            labels = ", ".join(metric.labels) or "no labels"
            raise UnusableMetric(f"{metric.name} has {labels}: give exactly these")
        texts = tuple(self._guard.text(values[label]) for label in metric.labels)
        return type(self)(self._series, self._guard, metric, texts)

    def _add(self, value: float) -> None:
        if self._metric is not None:
            with self._series.lock:
                self._series.changes += 1
                (self._number or self._find_number(self._metric)).value += value

    def _find_number(self, metric: Metric) -> Number:
        folds_before = self._series.folds
        found = self._series.number(metric, *self._chosen(metric))
        if self._series.folds == folds_before:
            self._number = found
        return found

    def _find_histogram(self, metric: Metric) -> Histogram:
        folds_before = self._series.folds
        found = self._series.histogram(metric, *self._chosen(metric))
        if self._series.folds == folds_before:
            self._histogram = found
        return found

    def _chosen(self, metric: Metric) -> tuple[str, ...]:
        if self._values is None:
            raise UnusableMetric(f"{metric.name} has labels: say first which, with labels(...)")
        return self._values


class OwnCounter(Instrument):
    """A number that only grows."""

    @guarded(_OPERATION)
    def inc(self, by: float = 1) -> None:
        """Count this much more; from 0 on."""
        self._add(amount("by", by))


class OwnGauge(Instrument):
    """A number that goes up and down."""

    @guarded(_OPERATION)
    def set(self, value: float) -> None:
        """It is this much now."""
        checked = number("value", value)
        if self._metric is not None:
            with self._series.lock:
                self._series.changes += 1
                (self._number or self._find_number(self._metric)).value = checked

    @guarded(_OPERATION)
    def inc(self, by: float = 1) -> None:
        """It is this much more."""
        self._add(number("by", by))

    @guarded(_OPERATION)
    def dec(self, by: float = 1) -> None:
        """It is this much less."""
        self._add(-number("by", by))


class OwnHistogram(Instrument):
    """How often values of which size occur."""

    @guarded(_OPERATION)
    def observe(self, value: float) -> None:
        """One more value; from 0 on."""
        checked = amount("value", value)
        if self._metric is not None:
            with self._series.lock:
                self._series.changes += 1
                (self._histogram or self._find_histogram(self._metric)).observe(checked)
