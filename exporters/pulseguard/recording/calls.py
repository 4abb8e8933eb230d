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
from pulseguard.recording.recorder import Recorder
from pulseguard.recording.traces import active_trace_id, tell_of_call
from pulseguard.recording.usage import Tokens, Usage, seconds_per_token
from pulseguard.recording.values import LARGEST, whole

# The call that is open around this code, so that what is inside it is not counted once more.
OPEN_CALL: Final[ContextVar["LlmCall | None"]] = ContextVar("pulseguard_open_call", default=None)

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

    seconds = 0.0
    answered: bool | None = None
    error_type: ErrorType | None = None
    tokens: Tokens | None = None
    first_chunk_seconds: float | None = None
    seconds_per_token: float | None = None
    tokens_per_second: float | None = None
    context_tokens: int | None = None
    context_window: int | None = None
    trace_id: str | None = None
    _first_chunk: float | None = None
    _usage: Usage | None = None
    _found_usage: Usage | None = None
    _outer: "LlmCall | None" = None
    _unfinished = False
    _found_retries: Counter[ErrorType] | None = None
    _told_retries = False

    def __init__(
        self, recorder: Recorder, guard: Guard, operation: object, provider: object, model: object
    ) -> None:
        self._recorder = recorder
        self._guard = guard
        self.operation = operation if type(operation) is str else guard.text(operation)
        self.provider = provider if type(provider) is str else guard.text(provider)
        self.model = model if type(model) is str else guard.text(model)

    def __enter__(self) -> Self:
        self._outer = still_open(OPEN_CALL.get())
        OPEN_CALL.set(self)
        self.begin()
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
            OPEN_CALL.set(still_open(self._outer))
        self.end(error)

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
        counts: Iterable[int | None] = (
            input_tokens,
            output_tokens,
            cache_read_tokens,
            cache_write_tokens,
            reasoning_tokens,
        )
        for count in counts:
            if count is not None and (type(count) is not int or not 0 <= count <= LARGEST):
                counts = map(_count, _COUNTS, counts)
                break
        given: Usage = tuple.__new__(Usage, counts)
        self._usage = given if self._usage is None else self._usage.updated(given)

    @guarded("record token usage")
    def found_usage(self, usage: Usage) -> None:
        """What an instrumented client inside this block was told; `usage` goes before it.

        Of several such calls within one block the counts are added.
        """
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
            tell_of_call(self.operation)
        self._recorder.calls.call_began()

    def _end(self, seconds: float, error: BaseException | None) -> None:
        self.seconds = seconds
        self.error_type = self._error
        if self._found_retries is not None and not self._told_retries:
            for reason, times in self._found_retries.items():
                self._recorder.calls.retried(reason, times)
        if self._first_chunk is not None and self._started is not None:
            waited = self._first_chunk - self._started
            self.first_chunk_seconds = waited if waited > 0 else 0.0
        usage = self._found_usage if self._usage is None else self._usage
        if usage is None:
            self.answered = self._was_answered(error)
            self._recorder.calls.call_ended(self)
            return
        self._measure(usage)
        self._recorder.calls.call_ended(self)
        if self.tokens and not (self.tokens[0] and self.tokens[3]):
            usage.check()

    def _was_answered(self, error: BaseException | None) -> bool:
        """Whether there is an answer whose usage nobody told, as far as anybody can tell."""
        if self._first_chunk is not None or self.error_type is not None:
            return self._first_chunk is not None
        if self.answered is not None:
            return self.answered
        # A generator is closed where it has handed something out.
        return error is None or type(error) is GeneratorExit

    def _measure(self, usage: Usage) -> None:
        self.tokens = usage.disjoint()
        if self.context_tokens is None:
            self.context_tokens = usage.input
        if usage.output and self.error_type is None and not self._unfinished:
            pace = seconds_per_token(usage.output, self.first_chunk_seconds, self.seconds)
            self.seconds_per_token = pace
            if pace is not None:
                self.tokens_per_second = 1 / pace
            elif self.seconds > 0:
                self.tokens_per_second = usage.output / self.seconds


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
