"""The agent's own work as series: tasks, tools, evaluations."""

from pulseguard.catalog import (
    ERRORS,
    EVALUATION_LAST_SCORE,
    EVALUATION_SCORE,
    EXECUTE_TOOL_DURATION,
    TASK_DURATION,
    TASK_OUTCOMES,
    TASKS,
    TASKS_IN_PROGRESS,
    TASKS_STARTED,
    ErrorType,
    TaskOutcome,
)
from pulseguard.recording.activity import Activity
from pulseguard.recording.series import Series
from pulseguard.recording.tally import OPEN_TALLY


class WorkRecorder:
    """Recordings of tasks, tools and evaluations. Safe from any thread."""

    def __init__(self, series: Series, activity: Activity) -> None:
        self._series = series
        self._activity = activity
        self._lock = series.lock
        with self._lock:
            self._tasks = series.number(TASKS_IN_PROGRESS)
            self._tasks_started = series.number(TASKS_STARTED)
            for outcome in TASK_OUTCOMES:
                series.number(TASKS, outcome)

    def task_began(self) -> None:
        with self._lock:
            self._tasks.value += 1
            self._tasks_started.value += 1
            self._activity.task_began()

    def task_ended(self, outcome: TaskOutcome, seconds: float, error: ErrorType | None) -> None:
        with self._lock:
            self._tasks.value -= 1
            self._activity.task_ended(well=outcome == "completed")
            self._series.number(TASKS, outcome).value += 1
            self._series.histogram(TASK_DURATION, outcome).observe(seconds)
            if error is not None:
                self._series.number(ERRORS, error, "task").value += 1

    def tool_began(self) -> None:
        with self._lock:
            self._activity.began()
            tally = OPEN_TALLY.get()
            if tally is not None:
                tally.tool_calls += 1

    def tool_ended(self, name: str, kind: str, seconds: float, error: ErrorType | None) -> None:
        with self._lock:
            self._activity.ended(well=error is None)
            if error is not None:
                self._series.number(ERRORS, error, "tool").value += 1
            durations = self._series.histogram(EXECUTE_TOOL_DURATION, name, kind, error or "")
            durations.observe(seconds)

    def evaluated(self, name: str, score: float) -> None:
        with self._lock:
            self._series.changes += 1
            self._series.histogram(EVALUATION_SCORE, name).observe(score)
            self._series.number(EVALUATION_LAST_SCORE, name).value = score
