"""Calls that leave the agent as series: one lock, plain arithmetic."""

import time
from typing import Protocol
from weakref import ref

from pulseguard.catalog import (
    CALLS_IN_PROGRESS,
    CALLS_WITHOUT_USAGE,
    CONTEXT_TOKENS,
    CONTEXT_WINDOW_LIMIT,
    CONTEXT_WINDOW_USED,
    ERROR_TYPES,
    ERRORS,
    HTTP_CLIENT_DURATION,
    OPERATION_DURATION,
    OTHER,
    OUTPUT_TOKENS_PER_SECOND,
    RETRIES,
    TIME_PER_OUTPUT_TOKEN,
    TIME_TO_FIRST_CHUNK,
    TOKEN_KINDS,
    TOKENS,
    ErrorType,
)
from pulseguard.recording.activity import Activity
from pulseguard.recording.labels import clean_label
from pulseguard.recording.series import BoundHistogram, BoundNumber, Exemplar, Series
from pulseguard.recording.tally import OPEN_TALLY, Tally
from pulseguard.recording.usage import Tokens


class EndedCall(Protocol):
    """The measurements of one model call; None where nothing is known.

    `answered` says whether there is an answer: of a call without `tokens` it is always known.
    `tokens` are counts in the order of TOKEN_KINDS; `context_window` is the model's, in tokens.
    """

    operation: str
    provider: str
    model: str
    seconds: float
    answered: bool | None
    error_type: ErrorType | None
    tokens: Tokens | None
    first_chunk_seconds: float | None
    seconds_per_token: float | None
    tokens_per_second: float | None
    context_tokens: int | None
    context_window: int | None
    trace_id: str | None


class Unread(Protocol):
    """A model call whose answer is being read; `drop` raises and waits for nothing."""

    def drop(self) -> None:
        """It is over, if it is not yet: with the last piece that was read."""


class ModelSeries:
    """The series of one operation, provider and model, each looked up once."""

    def __init__(self, series: Series, operation: str, provider: str, model: str) -> None:
        self._series = series
        self._names = names = (operation, provider, model)
        self._model = model
        self._ended_well = BoundHistogram(series, OPERATION_DURATION, *names, "")
        self._failed = BoundHistogram(series, OPERATION_DURATION, *names, OTHER)
        self._tokens = tuple(series.number(TOKENS, provider, model, kind) for kind in TOKEN_KINDS)
        self._first_chunk = BoundHistogram(series, TIME_TO_FIRST_CHUNK, *names)
        self._context = BoundNumber(series, CONTEXT_TOKENS, model)
        self._pace = BoundHistogram(series, TIME_PER_OUTPUT_TOKEN, provider, model)
        self._speed = BoundHistogram(series, OUTPUT_TOKENS_PER_SECOND, model)

    def add(self, call: EndedCall) -> None:
        durations = self._ended_well if call.error_type is None else self._failed
        durations.observe(call.seconds)
        if call.trace_id is not None:
            durations.exemplify(Exemplar(call.trace_id, call.seconds, time.time()))
        if call.tokens is not None:
            for number, count in zip(self._tokens, call.tokens, strict=False):
                if count:
                    number.value += count
        elif call.answered:
            self._series.number(CALLS_WITHOUT_USAGE, *self._names[1:]).value += 1
        if call.first_chunk_seconds is not None:
            self._first_chunk.observe(call.first_chunk_seconds)
        if call.seconds_per_token is not None:
            self._pace.observe(call.seconds_per_token)
        if call.tokens_per_second is not None:
            self._speed.observe(call.tokens_per_second)
        if call.context_tokens is not None:
            self._context.set(call.context_tokens)
        if call.context_window:
            self._add_window(call.context_tokens, call.context_window)

    def _add_window(self, tokens: int | None, window: int) -> None:
        self._series.number(CONTEXT_WINDOW_LIMIT, self._model).value = window
        if tokens is not None:
            used = self._series.histogram(CONTEXT_WINDOW_USED, self._model)
            used.observe(tokens / window)


class CallRecorder:
    """Recordings of model calls and outbound HTTP calls. Safe from any thread."""

    def __init__(self, series: Series, activity: Activity) -> None:
        self.last_context_tokens: int | None = None
        self._series = series
        self._activity = activity
        self._lock = series.lock
        self._models: dict[tuple[str, str, str], ModelSeries] = {}
        # Not a WeakSet: iterating over one fails where another thread adds to it.
        self._unread: set[ref[Unread]] = set()
        with self._lock:
            self._calls = series.number(CALLS_IN_PROGRESS)
            for error in ERROR_TYPES:
                series.number(ERRORS, error, "chat")
                series.number(RETRIES, error)

    def call_began(self) -> None:
        with self._lock:
            self._calls.value += 1
            self._activity.began()
            tally = OPEN_TALLY.get()
            if tally is not None:
                tally.inference_calls += 1

    def call_withdrawn(self, tally: Tally | None) -> None:
        """Take back what `call_began` announced, with this tally: somebody else counts the call."""
        with self._lock:
            self._calls.value -= 1
            self._activity.ended(well=False)
            if tally is not None:
                tally.inference_calls -= 1

    def call_ended(self, call: EndedCall) -> None:
        """Count a model call that `call_began` announced, whatever becomes of its details."""
        with self._lock:
            self._calls.value -= 1
            self._activity.ended(well=call.error_type is None)
            if call.error_type is not None:
                self._series.number(ERRORS, call.error_type, "chat").value += 1
            if call.context_tokens is not None:
                self.last_context_tokens = call.context_tokens
            names = (call.operation, call.provider, call.model)
            (self._models.get(names) or self._model_series(names)).add(call)

    def answer_goes_on(self, call: Unread) -> None:
        """A call has its answer, and that is still to be read; from any thread, without a lock."""
        self._unread.add(ref(call, self._unread.discard))

    def drop_unread(self) -> None:
        """The agent ends: so do the calls whose answer somebody still holds."""
        for reference in self._unread.copy():
            call = reference()
            if call is not None:
                call.drop()

    def retried(self, reason: ErrorType, times: int) -> None:
        with self._lock:
            self._series.changes += 1
            self._series.number(RETRIES, reason).value += times

    def api_call_began(self) -> None:
        with self._lock:
            self._activity.began()

    def api_call_ended(
        self, host: str, method: str, status: str, seconds: float, error: ErrorType | None
    ) -> None:
        with self._lock:
            self._activity.ended(well=error is None)
            if error is not None:
                self._series.number(ERRORS, error, "api").value += 1
            self._series.histogram(HTTP_CLIENT_DURATION, host, method, status).observe(seconds)

    def _model_series(self, names: tuple[str, str, str]) -> ModelSeries:
        operation, provider, model = map(clean_label, names)
        folds_before = self._series.folds
        found = ModelSeries(self._series, operation, provider, model)
        # What was folded or cleaned is not remembered: those names have no bound.
        if self._series.folds == folds_before and names == (operation, provider, model):
            self._models[names] = found
        return found
