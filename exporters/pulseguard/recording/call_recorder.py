"""Calls that leave the agent as series: one lock, plain arithmetic."""

from collections import Counter
from typing import Protocol
from weakref import ref

from pulseguard.catalog import (
    CALLS_IN_PROGRESS,
    ERROR_TYPES,
    ERRORS,
    HTTP_CLIENT_DURATION,
    RETRIES,
    ErrorType,
)
from pulseguard.recording.activity import Activity
from pulseguard.recording.labels import clean_label
from pulseguard.recording.model_series import CallNames, EndedCall, ModelSeries
from pulseguard.recording.series import LabelSet, Reading, Series
from pulseguard.recording.tally import OPEN_TALLY, Tally
from pulseguard.recording.usage import Tokens


class Unread(Protocol):
    """A model call whose answer is being read; `drop` raises and waits for nothing."""

    def drop(self) -> None:
        """It is over, if it is not yet: with the last piece that was read."""


class CallRecorder:
    """Recordings of model calls and outbound HTTP calls. Safe from any thread."""

    def __init__(self, series: Series, activity: Activity) -> None:
        self.last_context_tokens: int | None = None
        self._series = series
        self._activity = activity
        self._lock = series.lock
        self._models: dict[CallNames, ModelSeries] = {}
        # Not a WeakSet: iterating over one fails where another thread adds to it.
        self._unread: set[ref[Unread]] = set()
        with self._lock:
            self._calls = series.number(CALLS_IN_PROGRESS)
            for error in ERROR_TYPES:
                series.number(ERRORS, error, "chat")
                series.number(RETRIES, error)

    def call_began(self) -> None:
        # Not `with`: that takes twice as long.
        lock = self._lock
        lock.acquire()
        try:
            self._calls.value += 1
            self._activity.began()
            tally = OPEN_TALLY.get()
            if tally is not None:
                tally.inference_calls += 1
        finally:
            lock.release()

    def call_withdrawn(self, tally: Tally | None) -> None:
        """Take back what `call_began` announced, with this tally: somebody else counts the call."""
        with self._lock:
            self._calls.value -= 1
            self._activity.ended(well=False)
            if tally is not None:
                tally.inference_calls -= 1

    def call_ended(
        self,
        call: EndedCall,
        seconds: float,
        error: ErrorType | None,
        first_chunk: float | None = None,
        tokens: Tokens | None = None,
        pace: float | None = None,
        speed: float | None = None,
    ) -> None:
        """Count a model call that `call_began` announced, whatever becomes of its details.

        It took `seconds`, of which `first_chunk` until the first chunk came. `tokens` are counts in
        the order of TOKEN_KINDS, `pace` the seconds for each, `speed` their number in a second.
        """
        failed = error is not None
        lock = self._lock
        lock.acquire()
        try:
            self._calls.value -= 1
            self._activity.ended(not failed)
            if error is not None:
                self._series.number(ERRORS, error, "chat").value += 1
            if call.context_tokens is not None:
                self.last_context_tokens = call.context_tokens
            found = self._models.get(call.names) or self._model_series(call.names)
            found.add(call, seconds, failed, first_chunk, tokens, pace, speed)
        finally:
            lock.release()

    def contexts(self) -> list[tuple[LabelSet, Reading]]:
        """The readings of CONTEXTS."""
        found: Counter[LabelSet] = Counter()
        with self._lock:
            for (_, provider, model), series in self._models.items():
                for size, calls in series.contexts.read().items():
                    found[provider, model, size] += calls
        return list(found.items())

    def forget(self) -> None:
        """What is still to be counted is in somebody else's hands. Wants the lock held."""
        self.last_context_tokens = None
        for series in self._models.values():
            series.contexts.forget()

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

    def _model_series(self, names: CallNames) -> ModelSeries:
        operation, provider, model = map(clean_label, names)
        folds_before = self._series.folds
        found = ModelSeries(self._series, operation, provider, model)
        # What was folded or cleaned is not remembered: those names have no bound.
        if self._series.folds == folds_before and names == (operation, provider, model):
            self._models[names] = found
        return found
