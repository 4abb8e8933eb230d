"""Chat completions, responses and embeddings: what is asked of them, and what they answer."""

from collections.abc import Mapping
from typing import Any, Final

from pulseguard.catalog import ErrorType
from pulseguard.instrumentation.measured import MeasuredCall, Meter
from pulseguard.instrumentation.methods import Arguments
from pulseguard.instrumentation.openai.provider import (
    provider_and_model,
    takes_stream_options,
)
from pulseguard.instrumentation.openai.usage import chat_usage, field, response_usage
from pulseguard.instrumentation.raw import RawAnswers, ReadUsage, is_raw
from pulseguard.instrumentation.streams import Look, is_stream, measure_stream
from pulseguard.recording.model_series import CallNames

# Any in this module: resources, answers and chunks of the client library.
_RAW_HEADER: Final = "X-Stainless-Raw-Response"
_OF_RESPONSES: Final[dict[str, ErrorType]] = {
    "rate_limit_exceeded": "rate_limit",
    "server_error": "server_error",
    "context_length_exceeded": "context_length",
    "content_filter": "content_filter",
}


class OpenAIEndpoint:
    """What the three have in common."""

    operation = "chat"
    read: ReadUsage = staticmethod(chat_usage)

    def __init__(self, meter: Meter, raw: RawAnswers) -> None:
        self._meter = meter
        self._raw = raw

    def names(self, resource: Any, arguments: Arguments) -> CallNames:
        provider, model = provider_and_model(resource._client, arguments.get("model"))
        return self.operation, provider, model

    def request(self, resource: Any, arguments: Arguments) -> Arguments:
        return arguments

    def answer(
        self, call: MeasuredCall, answer: Any, arguments: Arguments, sent: Arguments
    ) -> bool:
        if is_stream(answer):
            return measure_stream(answer, call, self._look(sent is not arguments))
        if is_raw(answer):
            look = self._look(sent is not arguments)
            return self._raw.answer(call, answer, look, self.read)
        self._whole(call, answer)
        return False

    def _look(self, asked: bool) -> Look[Any]:
        return _see_all

    def _whole(self, call: MeasuredCall, answer: Any) -> None:
        call.usage = self.read(field(answer, "usage"))


class Embeddings(OpenAIEndpoint):
    """POST /embeddings."""

    operation = "embeddings"


class ChatCompletions(OpenAIEndpoint):
    """POST /chat/completions."""

    def request(self, resource: Any, arguments: Arguments) -> Arguments:
        """With the question for usage, where a stream comes without and the caller cannot tell."""
        if arguments.get("stream") is not True or not self._may_ask(resource._client):
            return arguments
        options = arguments.get("stream_options")
        given = dict(options) if isinstance(options, Mapping) else {}
        if "include_usage" in given or _reads_the_wire(arguments):
            return arguments
        return {**arguments, "stream_options": {**given, "include_usage": True}}

    def _may_ask(self, client: Any) -> bool:
        asking = self._meter.ask_usage
        return asking == "always" or (asking == "known" and takes_stream_options(client))

    def _look(self, asked: bool) -> Look[Any]:
        return _see_all_but_usage if asked else _see_chunk


class Responses(OpenAIEndpoint):
    """POST /responses."""

    read = staticmethod(response_usage)

    def _look(self, asked: bool) -> Look[Any]:
        return _see_event

    def _whole(self, call: MeasuredCall, answer: Any) -> None:
        _see_response(call, answer)


def _reads_the_wire(arguments: Arguments) -> bool:
    """Whether the caller sees what is sent and received as it is, or changes it himself."""
    headers, body = arguments.get("extra_headers"), arguments.get("extra_body")
    raw = isinstance(headers, Mapping) and _RAW_HEADER in headers
    return raw or (isinstance(body, Mapping) and not body.keys().isdisjoint(_OF_STREAMS))


_OF_STREAMS: Final = frozenset({"stream", "stream_options"})


def _see_all(call: MeasuredCall, chunk: Any) -> bool:
    return True


def _see_chunk(call: MeasuredCall, chunk: Any) -> bool:
    usage = field(chunk, "usage")
    if usage is not None:
        call.usage = chat_usage(usage)
    return True


def _see_all_but_usage(call: MeasuredCall, chunk: Any) -> bool:
    """False for the chunk that came because usage was asked for; the others are made as without."""
    usage = field(chunk, "usage")
    if usage is not None:
        told = chat_usage(usage)
        if told is None:
            return True
        call.usage = told
        if field(chunk, "choices") == [] and field(chunk, "moderation") is None:
            return False
        chunk.usage = None
    # Else `usage: null` would be in what the caller makes of the chunk, to_dict() and the like.
    given = field(chunk, "model_fields_set")
    if given is not None:
        given.discard("usage")
    return True


def _see_event(call: MeasuredCall, event: Any) -> bool:
    response = field(event, "response")
    if response is not None:
        _see_response(call, response)
    elif field(event, "type") == "error":
        call.error(_error_type(event))
    return True


def _see_response(call: MeasuredCall, response: Any) -> None:
    usage = field(response, "usage")
    if usage is not None:
        call.usage = response_usage(usage)
    if field(response, "status") == "failed":
        call.error(_error_type(field(response, "error")))


def _error_type(error: Any) -> ErrorType:
    code = field(error, "code")
    return _OF_RESPONSES.get(code, "_OTHER") if isinstance(code, str) else "_OTHER"
