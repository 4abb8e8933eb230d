"""What happened in the agent, turned into its series: one lock, plain arithmetic."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from pulseguard.catalog import (
    CALLS_IN_PROGRESS,
    CONTEXT_TOKENS,
    CONTEXT_WINDOW_LIMIT,
    CONTEXT_WINDOW_USED,
    ERROR_TYPES,
    ERRORS,
    EVALUATION_LAST_SCORE,
    EVALUATION_SCORE,
    EXECUTE_TOOL_DURATION,
    EXPORTER_FAILURES,
    EXPORTER_REGISTRY_REQUESTS,
    HTTP_CLIENT_DURATION,
    LAST_ACTIVITY,
    LAST_PROGRESS,
    OPERATION_DURATION,
    OTHER,
    OUTPUT_TOKENS_PER_SECOND,
    REGISTRY_OUTCOMES,
    RETRIES,
    TASK_DURATION,
    TASK_OUTCOMES,
    TASKS,
    TASKS_IN_PROGRESS,
    TASKS_STARTED,
    TIME_PER_OUTPUT_TOKEN,
    TIME_TO_FIRST_CHUNK,
    TOKEN_KINDS,
    TOKENS,
    AgentState,
    ErrorType,
    RegistryOutcome,
    TaskOutcome,
)
from pulseguard.labels import clean_label
from pulseguard.series import Series


@dataclass(slots=True)
class ModelCall:
    """The measurements of one model call; None where nothing is known.

    `tokens` are counts in the order of TOKEN_KINDS.
    """

    operation: str
    provider: str
    model: str
    seconds: float = 0.0
    error: ErrorType | None = None
    tokens: tuple[int, int, int, int, int] | None = None
    first_chunk_seconds: float | None = None
    seconds_per_token: float | None = None
    tokens_per_second: float | None = None
    context_tokens: int | None = None
    context_window: int | None = None


class ModelSeries:
    """The series of one operation, provider and model, looked up once."""

    def __init__(self, series: Series, operation: str, provider: str, model: str) -> None:
        self._series = series
        self._model = model
        self._provider_model = (provider, model)
        self._names = (operation, provider, model)
        self._ended_well = series.histogram(OPERATION_DURATION, *self._names, "")
        self._tokens = tuple(series.number(TOKENS, provider, model, kind) for kind in TOKEN_KINDS)

    def add(self, call: ModelCall) -> None:
        if call.error is None:
            self._ended_well.observe(call.seconds)
        else:
            self._series.histogram(OPERATION_DURATION, *self._names, OTHER).observe(call.seconds)
        if call.tokens is not None:
            for number, count in zip(self._tokens, call.tokens, strict=True):
                number.value += count
        if call.tokens_per_second is not None:
            speed = self._series.histogram(OUTPUT_TOKENS_PER_SECOND, self._model)
            speed.observe(call.tokens_per_second)
        if call.first_chunk_seconds is not None:
            first = self._series.histogram(TIME_TO_FIRST_CHUNK, *self._names)
            first.observe(call.first_chunk_seconds)
        if call.seconds_per_token is not None:
            pace = self._series.histogram(TIME_PER_OUTPUT_TOKEN, *self._provider_model)
            pace.observe(call.seconds_per_token)
        if call.context_tokens is not None:
            self._series.number(CONTEXT_TOKENS, self._model).value = call.context_tokens
        if call.context_window:
            self._add_window(call.context_tokens, call.context_window)

    def _add_window(self, tokens: int | None, window: int) -> None:
        self._series.number(CONTEXT_WINDOW_LIMIT, self._model).value = window
        if tokens is not None:
            used = self._series.histogram(CONTEXT_WINDOW_USED, self._model)
            used.observe(tokens / window)


class Recorder:
    """Every recording of an agent. Safe from any thread; raises nothing for values checked."""

    def __init__(self, series: Series, wall_clock: Callable[[], float] = time.time) -> None:
        self.series = series
        self.last_context_tokens: int | None = None
        self._wall_clock = wall_clock
        self._models: dict[tuple[str, str, str], ModelSeries] = {}
        self._active = 0
        self._draining = False
        with series.lock:
            self._lock = series.lock
            self._calls = series.number(CALLS_IN_PROGRESS)
            self._tasks = series.number(TASKS_IN_PROGRESS)
            self._tasks_started = series.number(TASKS_STARTED)
            self._make_bounded_series()

    def call_began(self) -> None:
        with self._lock:
            self._calls.value += 1
            self._begin()

    def call_ended(self, call: ModelCall) -> None:
        """Count a model call that `call_began` announced, whatever becomes of its details."""
        with self._lock:
            self._calls.value -= 1
            self._end(well=call.error is None)
            if call.error is not None:
                self.series.number(ERRORS, call.error, "chat").value += 1
            if call.context_tokens is not None:
                self.last_context_tokens = call.context_tokens
            self._model_series(call.operation, call.provider, call.model).add(call)

    def task_began(self) -> None:
        with self._lock:
            self._tasks.value += 1
            self._tasks_started.value += 1
            self._begin()

    def task_ended(self, outcome: TaskOutcome, seconds: float, error: ErrorType | None) -> None:
        with self._lock:
            self._tasks.value -= 1
            self._end(well=outcome == "completed")
            self.series.number(TASKS, outcome).value += 1
            self.series.histogram(TASK_DURATION, outcome).observe(seconds)
            if error is not None:
                self.series.number(ERRORS, error, "task").value += 1

    def work_began(self) -> None:
        """A tool or an outbound call begins."""
        with self._lock:
            self._begin()

    def tool_ended(self, name: str, kind: str, seconds: float, error: ErrorType | None) -> None:
        with self._lock:
            self._end(well=error is None)
            if error is not None:
                self.series.number(ERRORS, error, "tool").value += 1
            durations = self.series.histogram(EXECUTE_TOOL_DURATION, name, kind, error or "")
            durations.observe(seconds)

    def api_call_ended(
        self, host: str, method: str, status: str, seconds: float, error: ErrorType | None
    ) -> None:
        with self._lock:
            self._end(well=error is None)
            if error is not None:
                self.series.number(ERRORS, error, "api").value += 1
            self.series.histogram(HTTP_CLIENT_DURATION, host, method, status).observe(seconds)

    def evaluated(self, name: str, score: float) -> None:
        with self._lock:
            self.series.changes += 1
            self.series.histogram(EVALUATION_SCORE, name).observe(score)
            self.series.number(EVALUATION_LAST_SCORE, name).value = score

    def retried(self, reason: ErrorType, times: int) -> None:
        with self._lock:
            self.series.changes += 1
            self.series.number(RETRIES, reason).value += times

    def exporter_failed(self, operation: str) -> None:
        with self._lock:
            self.series.changes += 1
            self.series.number(EXPORTER_FAILURES, operation).value += 1

    def registry_answered(self, outcome: RegistryOutcome) -> None:
        with self._lock:
            self.series.number(EXPORTER_REGISTRY_REQUESTS, outcome).value += 1

    def drain(self, draining: bool) -> None:
        """Whether the agent is on its way out."""
        with self._lock:
            self._draining = draining

    def state(self) -> AgentState:
        """draining after stop, working while anything is in progress, else idle."""
        if self._draining:
            return "draining"
        return "working" if self._active else "idle"

    def _begin(self) -> None:
        self._active += 1
        self.series.changes += 1
        self.series.number(LAST_ACTIVITY).value = self._wall_clock()

    def _end(self, well: bool) -> None:
        self._active -= 1
        self.series.changes += 1
        now = self._wall_clock()
        self.series.number(LAST_ACTIVITY).value = now
        if well:
            self.series.number(LAST_PROGRESS).value = now

    def _model_series(self, operation: str, provider: str, model: str) -> ModelSeries:
        found = self._models.get((operation, provider, model))
        if found is not None:
            return found
        names = (clean_label(operation), clean_label(provider), clean_label(model))
        folds_before = self.series.folds
        found = ModelSeries(self.series, *names)
        # What was folded or cleaned is not remembered: those names have no bound.
        if self.series.folds == folds_before and names == (operation, provider, model):
            self._models[names] = found
        return found

    def _make_bounded_series(self) -> None:
        for outcome in TASK_OUTCOMES:
            self.series.number(TASKS, outcome)
        for error in ERROR_TYPES:
            self.series.number(ERRORS, error, "chat")
            self.series.number(RETRIES, error)
        for answer in REGISTRY_OUTCOMES:
            self.series.number(EXPORTER_REGISTRY_REQUESTS, answer)
