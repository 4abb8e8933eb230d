"""Calls that leave the agent: to a model, or to any other HTTP service."""

import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextvars import ContextVar
from types import TracebackType
from typing import Final, Self

from pulseguard.catalog import ErrorType
from pulseguard.errors import RefusedValue
from pulseguard.guard import Guard, guarded
from pulseguard.recording.block import Block, bounded_error
from pulseguard.recording.error_types import http_status, status_error
from pulseguard.recording.model_series import CallNames
from pulseguard.recording.recorder import Recorder
from pulseguard.recording.traces import active_trace_id, tell_of_call
from pulseguard.recording.usage import Usage
from pulseguard.recording.values import whole

# The call that is open around this code, so that what is inside it is not counted once more.
OPEN_CALL: Final[ContextVar["LlmCall | None"]] = ContextVar("pulseguard_open_call", default=None)

# The operation whose input is many texts, and no context.
_EMBEDDINGS: Final = "embeddings"
# What `LARGEST` has one more of.
_BITS: Final = 53
_COUNTS: Final = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)


class LlmCall(Block):
    """One call of a model: `with agent.llm_call(provider=..., model=...) as call:`.

    It is counted once, when the block ends; a failure by its bounded type. A caller that gives up
    (task cancelled, generator closed, interrupt) ends the call without an error: that says nothing
    about the model. It has lasted as long as he waited, and is no answer whose usage is missing.
    """

    __slots__ = (
        *("_first_chunk", "_found_context", "_found_retries", "_found_usage", "_outer"),
        *("_told_retries", "_unfinished", "_usage", "answered", "context_tokens"),
        *("context_window", "names", "trace_id"),
    )

    def __init__(
        self, recorder: Recorder, guard: Guard, operation: object, provider: object, model: object
    ) -> None:
        self._recorder = recorder
        self._guard = guard
        if type(operation) is type(provider) is type(model) is str:
            self.names: CallNames = (operation, provider, model)
        else:
            self.names = (guard.text(operation), guard.text(provider), guard.text(model))
        self._started = self._error = None
        self._ended = self._unfinished = self._told_retries = False
        self.trace_id: str | None = None
        self.answered: bool | None = None
        self.context_tokens: int | None = None
        self.context_window: int | None = None
        self._outer: LlmCall | None = None
        self._first_chunk: float | None = None
        self._usage: Usage | None = None
        self._found_usage: Usage | None = None
        self._found_context: int | None = None
        self._found_retries: Counter[ErrorType] | None = None

    def __enter__(self) -> Self:
        outer = OPEN_CALL.get()
        if outer is not None:
            self._outer = still_open(outer)
        OPEN_CALL.set(self)
        try:
            self._open()
        except Exception as error:
            self._guard.failed("record a beginning", error)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Not by its token, and only where it is this one: a generator may be closed in another
        # context than it was opened in, or after a call that was opened later.
        if OPEN_CALL.get() is self:
            outer = self._outer
            OPEN_CALL.set(None if outer is None else still_open(outer))
        try:
            self._close(error, None)
        except Exception as failure:
            self._guard.failed("record an end", failure)

    @guarded("record a first chunk")
    def first_chunk(self) -> None:
        """The first chunk of a stream has arrived; later chunks may say so too."""
        now = time.perf_counter()
        if self._first_chunk is None:
            self._first_chunk = now
        self._recorder.activity.moved(now)

    @guarded("record token usage")
    def usage(
        self,
        *,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cache_read_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        reasoning_tokens: int | None = None,
    ) -> None:
        """The tokens of this call, as the provider counted them; said again, the later wins.

        As in OpenTelemetry's GenAI attributes and OpenAI's usage object, `input_tokens` includes
        the cached ones and `output_tokens` includes reasoning. (Anthropic reports input without
        cache: add the three.) They are stored as disjoint kinds, so that any sum over kinds is
        true. None is unknown and never guessed.
        """
        if self._ended:
            self._check_open()
        self.take_usage(
            (
                input_tokens,
                output_tokens,
                cache_read_tokens,
                cache_write_tokens,
                reasoning_tokens,
            )
        )

    def take_usage(self, counts: Iterable[int | None]) -> None:
        """As `usage`; the counts in the order of Usage, which raise where they are none."""
        for count in counts:
            if count is not None and (type(count) is not int or count >> _BITS):
                counts = map(_count, _COUNTS, counts)
                break
        given: Usage = tuple.__new__(Usage, counts)
        self._usage = given if self._usage is None else self._usage.updated(given)

    @guarded("record token usage")
    def found_usage(self, usage: Usage) -> None:
        """What an instrumented client inside this block was told; `usage` goes before it.

        Of several such calls within one block the counts are added; its context is the latest's.
        """
        if usage.input is not None:
            self._found_context = usage.input
        found = self._found_usage
        self._found_usage = usage if found is None else found.plus(usage)

    def unfinished(self) -> None:
        """Its answer was left half-way: what `usage` says is a part of it, so no speed is told."""
        self._unfinished = True

    @guarded("record a context")
    def context(self, tokens: int | None = None, window: int | None = None) -> None:
        """Tokens in the context (default: the call's input tokens), and the model's window."""
        self._check_open()
        checked_tokens = _count("context tokens", tokens)
        checked_window = _count("context window", window)
        if checked_tokens is not None:
            self.context_tokens = checked_tokens
        if checked_window is not None:
            self.context_window = checked_window

    @guarded("record retries")
    def retries(self, times: int = 1, reason: str = "_OTHER") -> None:
        """How often the client repeated the request by itself; the reason is an error type."""
        self._recorder.calls.retried(bounded_error(reason), whole("retries", times))
        self._told_retries = True

    @guarded("record retries")
    def found_retry(self, reason: ErrorType) -> None:
        """An instrumented client asks again; counted with the call, if `retries` says nothing."""
        if self._found_retries is None:
            self._found_retries = Counter()
        self._found_retries[reason] += 1

    def _begin(self) -> None:
        if "opentelemetry.trace" in sys.modules:
            self.trace_id = active_trace_id()
            tell_of_call(self.names[0])
        self._recorder.calls.call_began()

    def _end(self, seconds: float, error: BaseException | None) -> None:
        if self._found_retries is not None and not self._told_retries:
            for reason, times in self._found_retries.items():
                self._recorder.calls.retried(reason, times)
        first_chunk = self._first_chunk
        if first_chunk is not None and self._started is not None:
            first_chunk -= self._started
            if first_chunk < 0:
                first_chunk = 0.0
        usage = self._found_usage if self._usage is None else self._usage
        if usage is None:
            self.answered = self._was_answered(error)
            self._recorder.calls.call_ended(self, seconds, self._error, first_chunk)
            return
        if self.context_tokens is None and self.names[0] != _EMBEDDINGS:
            self.context_tokens = usage[0] if usage is self._usage else self._found_context
        tokens, pace, speed = usage.disjoint(), None, None
        if self._error is None and not self._unfinished:
            pace, speed = usage.speeds(first_chunk, seconds)
        calls = self._recorder.calls
        calls.call_ended(self, seconds, self._error, first_chunk, tokens, pace, speed)
        if not (tokens[0] and tokens[3]):
            usage.check()

    def _was_answered(self, error: BaseException | None) -> bool:
        """Whether there is an answer whose usage nobody told, as far as anybody can tell."""
        if self._first_chunk is not None or self._error is not None:
            return self._first_chunk is not None
        if self.answered is not None:
            return self.answered
        # A generator is closed where it has handed something out.
        return error is None or type(error) is GeneratorExit


class ApiCall(Block):
    """One outbound HTTP call: `with agent.api_call("api.example.com") as call:`."""

    def __init__(self, recorder: Recorder, guard: Guard, host: object, method: object) -> None:
        super().__init__(recorder, guard)
        self._host = guard.text(host)
        self._method = guard.text(method)
        self._status = ""

    @guarded("record a status")
    def status(self, code: int) -> None:
        """The status of the answer; kept as its class (2xx), from 400 on counted as an error."""
        self._check_open()
        number = whole("status", code)
        if not 100 <= number <= 599:
            raise RefusedValue("status", number, "give an HTTP status")
        self._status = f"{number // 100}xx"
        self._error = status_error(number)

    def _begin(self) -> None:
        self._recorder.calls.api_call_began()

    def _end(self, seconds: float, error: BaseException | None) -> None:
        if error is not None and not self._status:
            code = self._guard.attempt("classify an error", None, http_status, error)
            self._status = f"{code // 100}xx" if code else ""
        self._recorder.calls.api_call_ended(
            self._host, self._method, self._status, seconds, self._error
        )


def still_open(call: LlmCall | None) -> LlmCall | None:
    """The call, or the nearest one around it that has not ended."""
    while call is not None and call._ended:
        call = call._outer
    return call


def _count(what: str, value: int | None) -> int | None:
    return None if value is None else whole(what, value)
