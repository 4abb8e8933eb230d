"""All of an agent's series: plain numbers under one lock, handed out to be added to."""

import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from pulseguard.catalog import EXPORTER_DROPPED, Detail, Metric
from pulseguard.recording.labels import clean_label
from pulseguard.recording.quota import Quota, folded

# The value of a series that is not told: found by what it is, since a gauge may well be NaN.
UNTOLD: Final = float("nan")


class Number:
    """One counter or gauge series."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0


class Exemplar(NamedTuple):
    """One observation of a bucket that a trace tells more about; `at` is Unix time in seconds."""

    trace_id: str
    value: float
    at: float


class HistogramReading(NamedTuple):
    """A histogram of one moment: observations per bucket (the last is +Inf), and their sum."""

    counts: tuple[int, ...]
    total: float
    exemplars: Mapping[int, Exemplar] | None = None


class Histogram:
    """The series of one histogram label set; buckets hold their own counts, not running sums."""

    __slots__ = ("bounds", "counts", "exemplars", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.exemplars: dict[int, Exemplar] | None = None
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def exemplify(self, exemplar: Exemplar) -> None:
        """Keep what a trace tells more about; the latest of each bucket."""
        if self.exemplars is None:
            self.exemplars = {}
        self.exemplars[bisect_left(self.bounds, exemplar.value)] = exemplar

    def clear(self) -> None:
        self.counts = [0] * len(self.counts)
        self.total, self.exemplars = 0.0, None

    def read(self) -> HistogramReading:
        exemplars = None if self.exemplars is None else dict(self.exemplars)
        return HistogramReading(tuple(self.counts), self.total, exemplars)


LabelSet: TypeAlias = tuple[str, ...]
Reading: TypeAlias = float | HistogramReading
# By name of the metric.
Readings: TypeAlias = dict[str, list[tuple[LabelSet, Reading]]]


class Series:
    """The store. Every method but `read` wants `lock` held, so that one recording takes it once.

    `changes` grows with every recording: whoever remembers it knows whether anything is new.
    """

    def __init__(self, metrics: Sequence[Metric], detail: Detail, limit: int) -> None:
        self.lock = threading.Lock()
        self.detail = detail
        self.changes = 0
        self.folds = 0
        self._put_off: deque[Callable[[], None]] = deque()
        self.metrics = tuple(metrics)
        self._quota = Quota(metrics, detail, limit)
        self._numbers: dict[str, dict[LabelSet, Number]] = {}
        self._histograms: dict[str, dict[LabelSet, Histogram]] = {}
        for metric in metrics:
            self._add_family(metric)

    def add(self, metric: Metric) -> bool:
        """Whether there was room for this metric too, which is optional."""
        if not self._quota.open(metric):
            return False
        self._add_family(metric)
        self.metrics += (metric,)
        return True

    def number(self, metric: Metric, *values: str) -> Number:
        """The counter or gauge with these label values, or the one that takes its place."""
        family = self._numbers[metric.name]
        found = family.get(values)
        if found is not None:
            return found
        kept = self._admitted(metric, values, family.keys())
        return Number() if kept is None else family.setdefault(kept, Number())

    def histogram(self, metric: Metric, *values: str) -> Histogram:
        """The histogram with these label values, or the one that takes its place."""
        family = self._histograms[metric.name]
        found = family.get(values)
        if found is not None:
            return found
        kept = self._admitted(metric, values, family.keys())
        if kept is None:
            return Histogram(metric.bounds(self.detail))
        found = family.get(kept)
        if found is None:
            found = family[kept] = Histogram(metric.bounds(self.detail))
        return found

    def numbers(self, metric: Metric) -> Iterator[tuple[LabelSet, Number]]:
        """Every label set of a counter or gauge."""
        return iter(self._numbers[metric.name].items())

    def histograms(self, metric: Metric) -> Iterator[tuple[LabelSet, Histogram]]:
        """Every label set of a histogram."""
        return iter(self._histograms[metric.name].items())

    def put_off(self, recording: Callable[[], None]) -> None:
        """Do a recording now, or once nothing else is being recorded: for finalizers.

        The garbage collector runs them anywhere, in a thread that holds `lock` too.
        """
        self._put_off.append(recording)
        if self.lock.acquire(blocking=False):
            self.lock.release()
            self._settle()

    def _settle(self) -> None:
        while self._put_off:
            try:
                recording = self._put_off.popleft()
            except IndexError:  # another thread was quicker
                return
            recording()

    def read(self) -> tuple[int, Readings]:
        """`changes` and all values by metric name, of one moment."""
        self._settle()
        with self.lock:
            readings: Readings = {
                name: [
                    (values, number.value)
                    for values, number in numbers.items()
                    if number.value is not UNTOLD
                ]
                for name, numbers in self._numbers.items()
            }
            for name, histograms in self._histograms.items():
                readings[name] = [(values, each.read()) for values, each in histograms.items()]
            return self.changes, readings

    def forget(self, facts: Container[str]) -> None:
        """Begin at zero; of these metrics, which tell of something past, nothing is told.

        Whoever has a series at hand goes on with it, and each keeps its room.
        """
        self._put_off.clear()
        for name, numbers in self._numbers.items():
            for number in numbers.values():
                number.value = UNTOLD if name in facts else 0
        for histograms in self._histograms.values():
            for histogram in histograms.values():
                histogram.clear()

    def count(self, readings: Readings) -> int:
        """How many series these are on the page."""
        return sum(
            len(readings.get(metric.name, ())) * metric.samples(self.detail)
            for metric in self.metrics
        )

    def _add_family(self, metric: Metric) -> None:
        families = self._histograms if metric.type == "histogram" else self._numbers
        families[metric.name] = {}

    def _admitted(
        self, metric: Metric, values: LabelSet, known: Container[LabelSet]
    ) -> LabelSet | None:
        """The label set to record in; None where there is room for none of this metric."""
        cleaned = tuple(map(clean_label, values))
        if cleaned in known or not metric.max_label_sets:
            return cleaned
        is_open = self._quota.open(metric)
        if is_open and self._quota.admit(metric, cleaned):
            return cleaned
        self.folds += 1
        self.number(EXPORTER_DROPPED, metric.name).value += 1
        return folded(metric, cleaned) if is_open else None


class BoundNumber:
    """One label set of a gauge, like `BoundHistogram`."""

    __slots__ = ("_metric", "_series", "_values", "found")

    def __init__(self, series: Series, metric: Metric, *values: str) -> None:
        self._series = series
        self._metric = metric
        self._values = values
        self.found: Number | None = None

    def look_up(self) -> Number:
        """Wants the lock of the series held."""
        folds_before = self._series.folds
        found = self._series.number(self._metric, *self._values)
        if self._series.folds == folds_before:
            self.found = found
        return found


class BoundHistogram:
    """One label set of a histogram: made when it is first looked up, then `found` at hand.

    While it is folded it is looked up each time, so that each time is counted as folded.
    """

    __slots__ = ("_metric", "_series", "_values", "found")

    def __init__(self, series: Series, metric: Metric, *values: str) -> None:
        self._series = series
        self._metric = metric
        self._values = values
        self.found: Histogram | None = None

    def look_up(self) -> Histogram:
        """Wants the lock of the series held."""
        folds_before = self._series.folds
        found = self._series.histogram(self._metric, *self._values)
        if self._series.folds == folds_before:
            self.found = found
        return found
