"""Every recording of an agent, on one set of series."""

import time
from collections.abc import Callable
from typing import Final

from pulseguard.catalog import (
    CONTEXT_TOKENS,
    CONTEXT_WINDOW_LIMIT,
    EVALUATION_LAST_SCORE,
    EXPORTER_FAILURES,
    EXPORTER_REGISTRY_REQUESTS,
    LAST_ACTIVITY,
    LAST_PROGRESS,
    REGISTRY_OUTCOMES,
    RegistryOutcome,
)
from pulseguard.forking import renew_lock
from pulseguard.recording.activity import Activity
from pulseguard.recording.call_recorder import CallRecorder
from pulseguard.recording.contexts import CONTEXTS
from pulseguard.recording.orchestration_recorder import OrchestrationRecorder
from pulseguard.recording.oversight_recorder import OversightRecorder
from pulseguard.recording.series import Readings, Series
from pulseguard.recording.task_queue import TaskQueue
from pulseguard.recording.work_recorder import WorkRecorder

# Gauges that tell of something past, not of what is now.
FACTS: Final = frozenset(
    metric.name
    for metric in (
        CONTEXT_TOKENS,
        CONTEXT_WINDOW_LIMIT,
        EVALUATION_LAST_SCORE,
        LAST_ACTIVITY,
        LAST_PROGRESS,
    )
)


class Recorder:
    """What the agent does, and what the exporter says of itself.

    Safe from any thread; raises nothing for values checked.
    """

    def __init__(
        self,
        series: Series,
        wall_clock: Callable[[], float] = time.time,
        patience_seconds: float = 0.0,
    ) -> None:
        # Blocks that were begun before (time.perf_counter) belong to somebody else.
        self.since = 0.0
        self.series = series
        self.activity = Activity(series, wall_clock, patience_seconds)
        self.calls = CallRecorder(series, self.activity)
        self.work = WorkRecorder(series, self.activity)
        self.orchestration = OrchestrationRecorder(series, self.activity)
        self.oversight = OversightRecorder(series, self.activity)
        self.queue = TaskQueue()
        self._inherited_changes = 0
        with series.lock:
            for answer in REGISTRY_OUTCOMES:
                series.number(EXPORTER_REGISTRY_REQUESTS, answer)

    def read(self) -> tuple[int, Readings]:
        """As `Series.read`, with what is only known when it is asked for: the task queue."""
        waiting = self.queue.read()
        changes, readings = self.series.read()
        return changes, readings | waiting.readings() | {CONTEXTS.name: self.calls.contexts()}

    @property
    def has_recorded(self) -> bool:
        """Whether this process has recorded anything; what the exporter says of itself is nothing.

        Takes no lock: it is asked at the end, and by the garbage collector.
        """
        told = sum(failures.value for _, failures in tuple(self.series.numbers(EXPORTER_FAILURES)))
        return self.series.changes - self._inherited_changes > told

    def drain(self, failed: bool) -> None:
        """The agent is on its way out: whatever is to be counted is counted now."""
        self.activity.drain(not failed)
        self.calls.drop_unread()

    def begin_anew(self) -> None:
        """Begin at zero: what there was, open blocks included, is in somebody else's hands."""
        with self.series.lock:
            self.since = time.perf_counter()
            self.series.forget(FACTS)
            self.activity.forget()
            self.calls.forget()
            self.queue = TaskQueue()

    def in_forked_child(self) -> None:
        """As `begin_anew`; no other thread is left, whatever the lock says."""
        renew_lock(self.series.lock)
        self.begin_anew()
        self._inherited_changes = self.series.changes

    def exporter_failed(self, operation: str) -> None:
        with self.series.lock:
            self.series.changes += 1
            self.series.number(EXPORTER_FAILURES, operation).value += 1

    def registry_answered(self, outcome: RegistryOutcome) -> None:
        with self.series.lock:
            self.series.number(EXPORTER_REGISTRY_REQUESTS, outcome).value += 1
