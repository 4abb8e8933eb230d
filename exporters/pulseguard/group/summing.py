"""The sum of several processes' numbers, within the quota of one agent."""

import threading
from collections.abc import Iterable
from typing import Final, cast

from pulseguard.catalog import (
    CONTEXT_TOKENS,
    LAST_ACTIVITY,
    LAST_PROGRESS,
    OLDEST_PENDING_TASK_AGE,
    AgentState,
    Detail,
    Metric,
)
from pulseguard.recording.contexts import CONTEXTS
from pulseguard.recording.recorder import FACTS
from pulseguard.recording.series import HistogramReading, LabelSet, Reading, Series
from pulseguard.recording.whole import Part

# Of gauges that are no amount the largest counts, and of other facts the latest.
_LARGEST: Final = frozenset(
    metric.name for metric in (LAST_ACTIVITY, LAST_PROGRESS, OLDEST_PENDING_TASK_AGE)
)
# What somebody has to look after goes first, then the busiest.
_TELLING: Final[tuple[AgentState, ...]] = (
    "failed",
    "stuck",
    "working",
    "waiting",
    "idle",
    "draining",
)


class Sum:
    """Adds parts up, again and again. A label set once kept apart stays so, whoever ends.

    The sum has room for as many series as one process has; what has no room goes to `_OTHER`.
    """

    def __init__(self, metrics: tuple[Metric, ...], detail: Detail, limit: int) -> None:
        self._series = Series((*metrics, CONTEXTS), detail, limit)
        self._names = {metric.name for metric in metrics}
        self._one_at_a_time = threading.Lock()

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Whatever may be on the page."""
        return tuple(metric for metric in self._series.metrics if metric is not CONTEXTS)

    def know(self, metrics: Iterable[Metric]) -> None:
        """Add up these metrics too, as far as there is room."""
        with self._one_at_a_time, self._series.lock:
            for metric in metrics:
                if metric.name not in self._names and self._series.add(metric):
                    self._names.add(metric.name)

    def living(self, parts: Iterable[Part]) -> Part:
        """All of these; a gauge is the sum, the latest or the largest, as its meaning is."""
        return self._sum(parts, frozenset())

    def ended(self, parts: Iterable[Part]) -> Part:
        """What stays true of these when their processes have ended."""
        gone = {
            metric.name
            for metric in self.metrics
            if metric.type == "gauge" and metric.name not in FACTS
        }
        return self._sum(parts, frozenset(gone))._replace(state="draining")

    def _sum(self, parts: Iterable[Part], left_out: frozenset[str]) -> Part:
        by_time = sorted(parts, key=lambda part: part.at)
        with self._one_at_a_time:
            with self._series.lock:
                self._clear()
                for part in by_time:
                    self._add(part, left_out)
            _, readings = self._series.read()
        told = [part.context_tokens for part in by_time if part.context_tokens is not None]
        return Part(
            {name: found for name, found in readings.items() if name not in left_out},
            telling_state(part.state for part in by_time),
            told[-1] if told else None,
            at=by_time[-1].at if by_time else 0.0,
        )

    def _clear(self) -> None:
        for metric in self._series.metrics:
            if metric.type == "histogram":
                for _, histogram in self._series.histograms(metric):
                    histogram.clear()
            else:
                for _, number in self._series.numbers(metric):
                    number.value = 0

    def _add(self, part: Part, left_out: frozenset[str]) -> None:
        for metric in self.metrics:
            if metric.name not in left_out:
                for labels, reading in part.readings.get(metric.name, ()):
                    self._add_reading(metric, labels, reading)
        # Only of models that are kept apart: any number of others may come and go.
        kept = {model for (model,), _ in self._series.numbers(CONTEXT_TOKENS)}
        for labels, reading in part.readings.get(CONTEXTS.name, ()):
            if labels[1] in kept:
                self._add_reading(CONTEXTS, labels, reading)

    def _add_reading(self, metric: Metric, labels: LabelSet, reading: Reading) -> None:
        if metric.type == "histogram":
            self._add_histogram(metric, labels, cast(HistogramReading, reading))
            return
        value = cast(float, reading)
        number = self._series.number(metric, *labels)
        if metric.name in _LARGEST:
            number.value = max(number.value, value)
        elif metric.name in FACTS:
            number.value = value
        else:
            number.value += value

    def _add_histogram(self, metric: Metric, labels: LabelSet, reading: HistogramReading) -> None:
        histogram = self._series.histogram(metric, *labels)
        # A process with another detail has other buckets: no sum of both would be true.
        if len(reading.counts) != len(histogram.counts):
            return
        histogram.counts = [a + b for a, b in zip(histogram.counts, reading.counts, strict=True)]
        histogram.total += reading.total
        for exemplar in (reading.exemplars or {}).values():
            histogram.exemplify(exemplar)


def telling_state(states: Iterable[AgentState]) -> AgentState:
    """The state of the whole: of all its processes', the one that says most."""
    found = set(states)
    return next((state for state in _TELLING if state in found), "idle")
