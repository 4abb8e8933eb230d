"""All of an agent's series: plain numbers under one lock, handed out to be added to."""

import threading
from bisect import bisect_left
from collections.abc import Container, Iterator, Sequence
from typing import TypeAlias

from pulseguard.catalog import EXPORTER_DROPPED, Detail, Metric
from pulseguard.labels import clean_label
from pulseguard.quota import Quota, folded


class Number:
    """One counter or gauge series."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0


class Histogram:
    """The series of one histogram label set; buckets hold their own counts, not running sums."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


LabelSet: TypeAlias = tuple[str, ...]
Reading: TypeAlias = float | tuple[tuple[int, ...], float]


class Series:
    """The store. Every method but `read` wants `lock` held, so that one recording takes it once.

    `changes` grows with every recording: whoever remembers it knows whether anything is new.
    """

    def __init__(self, metrics: Sequence[Metric], detail: Detail, limit: int) -> None:
        self.lock = threading.Lock()
        self.detail = detail
        self.changes = 0
        self.folds = 0
        self._quota = Quota(metrics, detail, limit)
        self._numbers: dict[str, dict[LabelSet, Number]] = {}
        self._histograms: dict[str, dict[LabelSet, Histogram]] = {}
        for metric in metrics:
            families = self._histograms if metric.type == "histogram" else self._numbers
            families[metric.name] = {}

    def number(self, metric: Metric, *values: str) -> Number:
        """The counter or gauge with these label values, or the one that takes its place."""
        family = self._numbers[metric.name]
        found = family.get(values)
        if found is not None:
            return found
        kept = self._admitted(metric, values, family.keys())
        return family.setdefault(kept, Number())

    def histogram(self, metric: Metric, *values: str) -> Histogram:
        """The histogram with these label values, or the one that takes its place."""
        family = self._histograms[metric.name]
        found = family.get(values)
        if found is not None:
            return found
        kept = self._admitted(metric, values, family.keys())
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

    def read(self) -> tuple[int, dict[str, list[tuple[LabelSet, Reading]]]]:
        """`changes` and all values by metric name, of one moment."""
        with self.lock:
            readings: dict[str, list[tuple[LabelSet, Reading]]] = {
                name: [(values, number.value) for values, number in family.items()]
                for name, family in self._numbers.items()
            }
            for name, family in self._histograms.items():
                readings[name] = [
                    (values, (tuple(histogram.counts), histogram.total))
                    for values, histogram in family.items()
                ]
            return self.changes, readings

    def _admitted(self, metric: Metric, values: LabelSet, known: Container[LabelSet]) -> LabelSet:
        cleaned = tuple(map(clean_label, values))
        if cleaned in known or not metric.max_label_sets or self._quota.admit(metric):
            return cleaned
        self.folds += 1
        self.number(EXPORTER_DROPPED, metric.name).value += 1
        return folded(metric, cleaned)
