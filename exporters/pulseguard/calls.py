"""Calls that leave the agent: to a model, or to any other HTTP service."""

import time

from pulseguard.block import Block, bounded_error
from pulseguard.error_types import http_status, status_error
from pulseguard.errors import RefusedValue
from pulseguard.guard import Guard, guarded
from pulseguard.recorder import ModelCall, Recorder
from pulseguard.usage import Usage, seconds_per_token, tokens_per_second
from pulseguard.values import whole


class LlmCall(Block):
    """One call of a model: `with agent.llm_call(provider=..., model=...) as call:`.

    It is counted once, when the block ends; a failure by its bounded type. A caller that gives up
    (task cancelled, generator closed, interrupt) ends the call without an error: that says nothing
    about the model.
    """

    __slots__ = ("_first_chunk", "_measured", "_usage")

    def __init__(
        self, recorder: Recorder, guard: Guard, operation: object, provider: object, model: object
    ) -> None:
        super().__init__(recorder, guard)
        names = guard.text(operation), guard.text(provider), guard.text(model)
        self._measured = ModelCall(*names)
        self._first_chunk: float | None = None
        self._usage: Usage | None = None

    @guarded("record a first chunk")
    def first_chunk(self) -> None:
        """The first chunk of a stream has arrived; later chunks may say so too."""
        if self._first_chunk is None:
            self._first_chunk = time.perf_counter()

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
        self._check_open()
        given = Usage(
            _count("input_tokens", input_tokens),
            _count("output_tokens", output_tokens),
            _count("cache_read_tokens", cache_read_tokens),
            _count("cache_write_tokens", cache_write_tokens),
            _count("reasoning_tokens", reasoning_tokens),
        )
        self._usage = given if self._usage is None else self._usage.updated(given)

    @guarded("record a context")
    def context(self, tokens: int | None = None, window: int | None = None) -> None:
        """Tokens in the context (default: the call's input tokens), and the model's window."""
        self._check_open()
        checked_tokens = _count("context tokens", tokens)
        checked_window = _count("context window", window)
        if checked_tokens is not None:
            self._measured.context_tokens = checked_tokens
        if checked_window is not None:
            self._measured.context_window = checked_window

    @guarded("record retries")
    def retries(self, times: int = 1, reason: str = "_OTHER") -> None:
        """How often the client repeated the request by itself; the reason is an error type."""
        self._recorder.retried(bounded_error(reason), whole("retries", times))

    def _begin(self) -> None:
        self._recorder.call_began()

    def _end(self, seconds: float, error: BaseException | None) -> None:
        measured = self._measured
        measured.seconds = seconds
        measured.error = self._error
        if self._first_chunk is not None and self._started is not None:
            measured.first_chunk_seconds = self._first_chunk - self._started
        usage = self._usage
        if usage is not None:
            _add_usage(measured, usage)
        self._recorder.call_ended(measured)
        if usage is not None:
            usage.check()


class ApiCall(Block):
    """One outbound HTTP call: `with agent.api_call("api.example.com") as call:`."""

    __slots__ = ("_host", "_method", "_status")

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
        self._recorder.work_began()

    def _end(self, seconds: float, error: BaseException | None) -> None:
        if error is not None and not self._status:
            code = self._guard.attempt("classify an error", None, http_status, error)
            self._status = f"{code // 100}xx" if code else ""
        self._recorder.api_call_ended(self._host, self._method, self._status, seconds, self._error)


def _add_usage(measured: ModelCall, usage: Usage) -> None:
    measured.tokens = usage.disjoint()
    if measured.context_tokens is None:
        measured.context_tokens = usage.input
    if usage.output and measured.error is None:
        first, seconds = measured.first_chunk_seconds, measured.seconds
        measured.seconds_per_token = seconds_per_token(usage.output, first, seconds)
        measured.tokens_per_second = tokens_per_second(usage.output, first, seconds)


def _count(what: str, value: int | None) -> int | None:
    return None if value is None else whole(what, value)
