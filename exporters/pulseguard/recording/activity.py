"""Whether the agent is at work: what is in progress, and when something last moved."""

import time
from collections.abc import Callable

from pulseguard.catalog import LAST_ACTIVITY, LAST_PROGRESS, AgentState
from pulseguard.recording.series import Number, Series


class Activity:
    """Counts what is in progress, and tells the state from it when it is asked.

    Every method but `state`, `moved`, `drain` and `failed` wants the lock of the series held.
    `patience_seconds` is how long work may go on without progress before it is stuck; 0: for ever.
    """

    def __init__(
        self,
        series: Series,
        wall_clock: Callable[[], float] = time.time,
        patience_seconds: float = 0.0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._series = series
        self._wall_clock = wall_clock
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._in_progress = 0
        self._tasks = 0
        self._waits = 0
        self._failed = False
        self._draining = False
        # When work began, progressed or went on after waiting: by the clock that never jumps.
        self._moved_at = 0.0
        # Absent until something moves: 0 would say that nothing has since 1970.
        self._last_activity: Number | None = None
        self._last_progress: Number | None = None

    def began(self) -> None:
        """A task, call or tool begins."""
        if not self._in_progress:
            self._moved_at = self._clock()
        self._in_progress += 1
        self._series.changes += 1
        last = self._last_activity or self._first_activity()
        last.value = self._wall_clock()

    def ended(self, well: bool) -> None:
        """What `began` announced has ended."""
        self._in_progress -= 1
        self._series.changes += 1
        last = self._last_activity or self._first_activity()
        last.value = now = self._wall_clock()
        if well:
            progress = self._last_progress or self._first_progress()
            progress.value = now
            self._moved_at = self._clock()

    def task_began(self) -> None:
        """A task begins: whatever was the matter before, the agent is at work again."""
        self.began()
        self._tasks += 1
        self._failed = False

    def task_ended(self, well: bool) -> None:
        """A task has ended."""
        self.ended(well)
        self._tasks -= 1

    def wait_began(self) -> None:
        """The agent waits for somebody else."""
        self.began()
        self._waits += 1

    def wait_ended(self) -> None:
        """It goes on: its patience starts anew, though waiting was no progress."""
        self.ended(well=False)
        self._waits -= 1
        self._moved_at = self._clock()

    def progressed(self) -> None:
        """Something went well that is no task, call or tool of its own."""
        self._series.changes += 1
        progress = self._last_progress or self._first_progress()
        progress.value = self._wall_clock()
        self._moved_at = self._clock()

    def moved(self, at: float) -> None:
        """What is in progress still moves, at this time of `time.perf_counter`."""
        self._moved_at = at

    def drain(self, draining: bool) -> None:
        """Whether the agent is on its way out."""
        self._draining = draining

    def failed(self, failed: bool) -> None:
        """Whether the agent can do no work; until the next task begins."""
        self._failed = failed

    def forget(self) -> None:
        """Nothing is in progress, and nothing has been."""
        self._in_progress = self._tasks = self._waits = 0
        self._failed = self._draining = False
        self._last_activity = self._last_progress = None

    def state(self) -> AgentState:
        """The first that holds: draining, failed, idle, waiting, stuck, working.

        It is waiting while no task is without one that waits, and stuck when its work has made no
        progress for longer than its patience.
        """
        if self._draining:
            return "draining"
        if self._failed:
            return "failed"
        if not self._in_progress:
            return "idle"
        if self._waits and self._waits >= self._tasks:
            return "waiting"
        if self._patience_seconds and self._clock() - self._moved_at > self._patience_seconds:
            return "stuck"
        return "working"

    def _first_activity(self) -> Number:
        self._last_activity = self._series.number(LAST_ACTIVITY)
        return self._last_activity

    def _first_progress(self) -> Number:
        self._last_progress = self._series.number(LAST_PROGRESS)
        return self._last_progress
