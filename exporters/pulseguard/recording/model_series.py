"""The series of one model's calls."""

import time
from bisect import bisect_left
from typing import Protocol, TypeAlias

from pulseguard.catalog import (
    CALLS_WITHOUT_USAGE,
    CONTEXT_TOKENS,
    CONTEXT_WINDOW_LIMIT,
    CONTEXT_WINDOW_USED,
    OPERATION_DURATION,
    OTHER,
    OUTPUT_TOKENS_PER_SECOND,
    TIME_PER_OUTPUT_TOKEN,
    TIME_TO_FIRST_CHUNK,
    TOKEN_KINDS,
    TOKENS,
)
from pulseguard.recording.contexts import MOST_WAITING, Contexts
from pulseguard.recording.series import BoundHistogram, BoundNumber, Exemplar, Series
from pulseguard.recording.usage import Tokens

# Operation, provider and model.
CallNames: TypeAlias = tuple[str, str, str]


class EndedCall(Protocol):
    """What is known of a model call besides its measurements; None where nothing is.

    `answered` says whether there is an answer: of a call without tokens it is always known.
    `context_window` is the model's, in tokens.
    """

    names: CallNames
    answered: bool | None
    context_tokens: int | None
    context_window: int | None
    trace_id: str | None


class ModelSeries:
    """The series of one operation, provider and model, each looked up once."""

    def __init__(self, series: Series, operation: str, provider: str, model: str) -> None:
        self._series = series
        self._names = names = (operation, provider, model)
        self._ended_well = BoundHistogram(series, OPERATION_DURATION, *names, "")
        self._failed = BoundHistogram(series, OPERATION_DURATION, *names, OTHER)
        self._tokens = tuple(series.number(TOKENS, provider, model, kind) for kind in TOKEN_KINDS)
        self._first_chunk = BoundHistogram(series, TIME_TO_FIRST_CHUNK, *names)
        self._context = BoundNumber(series, CONTEXT_TOKENS, model)
        self._pace = BoundHistogram(series, TIME_PER_OUTPUT_TOKEN, provider, model)
        self._speed = BoundHistogram(series, OUTPUT_TOKENS_PER_SECOND, model)
        self._limit = BoundNumber(series, CONTEXT_WINDOW_LIMIT, model)
        self._used = BoundHistogram(series, CONTEXT_WINDOW_USED, model)
        self.contexts = Contexts()

    def add(
        self,
        call: EndedCall,
        seconds: float,
        failed: bool,
        first_chunk: float | None,
        tokens: Tokens | None,
        pace: float | None,
        speed: float | None,
    ) -> None:
        # Every model call pays for this: `Histogram.observe` by hand, four times.
        bound = self._failed if failed else self._ended_well
        durations = bound.found or bound.look_up()
        durations.counts[bisect_left(durations.bounds, seconds)] += 1
        durations.total += seconds
        if first_chunk is not None:
            found = self._first_chunk.found or self._first_chunk.look_up()
            found.counts[bisect_left(found.bounds, first_chunk)] += 1
            found.total += first_chunk
        if pace is not None:
            found = self._pace.found or self._pace.look_up()
            found.counts[bisect_left(found.bounds, pace)] += 1
            found.total += pace
        if speed is not None:
            found = self._speed.found or self._speed.look_up()
            found.counts[bisect_left(found.bounds, speed)] += 1
            found.total += speed
        if tokens is not None:
            for number, count in zip(self._tokens, tokens):  # noqa: B905  # as long, and quicker
                if count:
                    number.value += count
        elif call.answered:
            self._series.number(CALLS_WITHOUT_USAGE, *self._names[1:]).value += 1
        context = call.context_tokens
        if context is not None:
            (self._context.found or self._context.look_up()).value = context
        if call.context_window:
            self._add_window(context, call.context_window)
        elif context is not None and self._context.found is not None:
            waiting = self.contexts.waiting
            waiting.append(context)
            if len(waiting) >= MOST_WAITING:
                self.contexts.settle()
        if call.trace_id is not None:
            durations.exemplify(Exemplar(call.trace_id, seconds, time.time()))

    def _add_window(self, context: int | None, window: int) -> None:
        (self._limit.found or self._limit.look_up()).value = window
        if context is not None:
            (self._used.found or self._used.look_up()).observe(context / window)
