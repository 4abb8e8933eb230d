"""The agent's series as prometheus_client's families, for its own exposition to render."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from pulseguard.catalog import (
    AGENT_INFO,
    AGENT_METRICS,
    AGENT_STATE,
    AGENT_STATES,
    EXPORTER_COLLECT_DURATION,
    EXPORTER_SERIES,
    EXPORTER_SERIES_LIMIT,
    LABEL_STATE,
    TOKENS,
    Metric,
)
from pulseguard.cost import Pricing
from pulseguard.guard import Guard
from pulseguard.host import HostReader
from pulseguard.recorder import Recorder
from pulseguard.series import LabelSet, Reading


class AgentCollector(Collector):
    """Everything that a scrape shows, of one moment."""

    def __init__(
        self,
        recorder: Recorder,
        guard: Guard,
        limit: int,
        info: Mapping[str, str],
        pricing: Pricing,
    ) -> None:
        self._recorder = recorder
        self._guard = guard
        self._limit = limit
        self._info = dict(info)
        self._pricing = pricing
        self._host = guard.attempt("watch the process", None, HostReader)
        self._one_at_a_time = threading.Lock()
        self.collected_changes = -1
        self.collected_at: float | None = None

    def collect(self) -> Iterator[Family]:
        with self._one_at_a_time:
            return iter(self._families())

    def _families(self) -> list[Family]:
        began = time.perf_counter()
        self.collected_at = time.monotonic()
        self.collected_changes, readings = self._recorder.series.read()
        readings |= self._guard.attempt(
            "price tokens", {}, self._pricing.read, readings[TOKENS.name]
        )
        families = [
            self._family(metric, readings[metric.name])
            for metric in AGENT_METRICS
            if readings.get(metric.name)
        ]
        families += [self._state(), _gauge(AGENT_INFO, 1, self._info)]
        families += self._guard.attempt("read the process", [], self._host_families)
        own = (EXPORTER_SERIES, EXPORTER_SERIES_LIMIT, EXPORTER_COLLECT_DURATION)
        held = sum(len(family.samples) for family in families) + len(own)
        values = (held, self._limit, time.perf_counter() - began)
        return families + [_gauge(metric, value) for metric, value in zip(own, values, strict=True)]

    def _family(self, metric: Metric, readings: Sequence[tuple[LabelSet, Reading]]) -> Family:
        if metric.type == "histogram":
            return _histogram(metric, metric.bounds(self._recorder.series.detail), readings)
        family = Family(metric.name.removesuffix("_total"), metric.help, metric.type)
        for values, value in readings:
            labels = dict(zip(metric.labels, values, strict=True))
            family.add_sample(metric.name, labels, cast(float, value))
        return family

    def _state(self) -> Family:
        family = Family(AGENT_STATE.name, AGENT_STATE.help, AGENT_STATE.type)
        now = self._recorder.state()
        for state in AGENT_STATES:
            family.add_sample(AGENT_STATE.name, {LABEL_STATE: state}, float(state == now))
        return family

    def _host_families(self) -> list[Family]:
        if self._host is None:
            return []
        return [_gauge(metric, value) for metric, value in self._host.read()]


def _gauge(metric: Metric, value: float, labels: Mapping[str, str] | None = None) -> Family:
    family = Family(metric.name, metric.help, metric.type)
    family.add_sample(metric.name, dict(labels or {}), value)
    return family


def _histogram(
    metric: Metric, bounds: tuple[float, ...], readings: Sequence[tuple[LabelSet, Reading]]
) -> Family:
    """A histogram family; without bounds the same name as a summary, with count and sum alone."""
    family = Family(metric.name, metric.help, "histogram" if bounds else "summary")
    written = _written(bounds) if bounds else []
    for values, reading in readings:
        counts, total = cast(tuple[tuple[int, ...], float], reading)
        labels = dict(zip(metric.labels, values, strict=True))
        below = 0
        for le, count in zip(written, counts, strict=False):
            below += count
            family.add_sample(f"{metric.name}_bucket", {**labels, "le": le}, below)
        family.add_sample(f"{metric.name}_count", labels, sum(counts))
        family.add_sample(f"{metric.name}_sum", labels, total)
    return family


def _written(bounds: tuple[float, ...]) -> list[str]:
    to_text = floatToGoString
    return [to_text(bound) for bound in (*bounds, float("inf"))]  # type: ignore[no-untyped-call]
