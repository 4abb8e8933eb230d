"""Everything that a scrape shows, read at one moment."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from pulseguard.catalog import (
    AGENT_INFO,
    AGENT_STATE,
    AGENT_STATES,
    EXPORTER_COLLECT_DURATION,
    EXPORTER_SERIES,
    EXPORTER_SERIES_LIMIT,
    TOKENS,
)
from pulseguard.forking import IMPORTING
from pulseguard.guard import Guard
from pulseguard.pricing.cost import Pricing
from pulseguard.pricing.windows import window_readings
from pulseguard.recording.contexts import CONTEXTS
from pulseguard.recording.series import LabelSet, Reading, Readings
from pulseguard.recording.whole import Whole

if TYPE_CHECKING:
    from pulseguard.scraping.host import HostReader


class Collection:
    """Reads an agent: its series, what they cost, its state, its process, the exporter itself."""

    def __init__(
        self,
        whole: Whole,
        guard: Guard,
        limit: int,
        info: Mapping[str, str],
        pricing: Pricing,
    ) -> None:
        self._whole = whole
        self._guard = guard
        self._limit = limit
        self._info = tuple(info[label] for label in AGENT_INFO.labels)
        self._pricing = pricing
        self._host: HostReader | None = None
        self._one_at_a_time = threading.Lock()
        # What the other processes of the agent use, where there are any.
        self.add_processes: Callable[[Readings], Readings] | None = None
        self.read_at: float | None = None

    def read(self) -> tuple[int, Readings]:
        """The changes that are in it (`Series.changes`), and the readings by name of the metric."""
        with self._one_at_a_time:
            self.read_at = time.monotonic()
            return self._read(time.perf_counter())

    def _read(self, began: float) -> tuple[int, Readings]:
        part = self._whole.read()
        readings = dict(part.readings)
        contexts = readings.pop(CONTEXTS.name, [])
        readings |= self._guard.attempt("look up windows", {}, self._windows, contexts, readings)
        readings |= self._guard.attempt(
            "price tokens", {}, self._pricing.read, readings[TOKENS.name]
        )
        readings[AGENT_STATE.name] = [
            ((state,), int(state == part.state)) for state in AGENT_STATES
        ]
        readings[AGENT_INFO.name] = [(self._info, 1)]
        readings |= self._guard.attempt("read the process", {}, self._read_host)
        own = (EXPORTER_SERIES, EXPORTER_SERIES_LIMIT, EXPORTER_COLLECT_DURATION)
        held = self._whole.samples(readings) + len(own)
        values = (held, self._limit, time.perf_counter() - began)
        for metric, value in zip(own, values, strict=True):
            readings[metric.name] = [((), value)]
        return part.changes, readings

    def _windows(self, contexts: Sequence[tuple[LabelSet, Reading]], stated: Readings) -> Readings:
        return window_readings(contexts, stated, self._pricing.context_window, self._whole.detail)

    def _read_host(self) -> Readings:
        if self._host is None:
            # Here: psutil is a third of the import, and the scrape's thread can wait for it.
            with IMPORTING:
                from pulseguard.scraping.host import HostReader

            self._host = HostReader()
        own: Readings = {metric.name: [((), value)] for metric, value in self._host.read()}
        return own if self.add_processes is None else self.add_processes(own)
