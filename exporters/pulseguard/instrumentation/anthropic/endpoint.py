"""Messages: what is asked of a model, and what it answers, whole or event by event."""

from typing import Any

from pulseguard.instrumentation.anthropic.provider import provider_name
from pulseguard.instrumentation.anthropic.usage import message_usage, updated_usage
from pulseguard.instrumentation.measured import MeasuredCall
from pulseguard.instrumentation.methods import Arguments
from pulseguard.instrumentation.raw import RawAnswers, is_raw
from pulseguard.instrumentation.streams import is_stream, measure_stream
from pulseguard.recording.model_series import CallNames

# Any in this module: resources, answers and events of the client library.


class Messages:
    """POST /v1/messages, by `create` and `parse`."""

    def __init__(self, raw: RawAnswers) -> None:
        self._raw = raw

    def names(self, resource: Any, arguments: Arguments) -> CallNames:
        model = arguments.get("model")
        name = model if isinstance(model, str) else ""
        return "chat", provider_name(resource._client), name

    def request(self, resource: Any, arguments: Arguments) -> Arguments:
        """As it is: Anthropic's streams bring usage unasked."""
        return arguments

    def answer(
        self, call: MeasuredCall, answer: Any, arguments: Arguments, sent: Arguments
    ) -> bool:
        if is_stream(answer):
            return measure_stream(answer, call, see_event)
        if is_raw(answer):
            return self._raw.answer(call, answer, see_event, message_usage)
        call.usage = message_usage(getattr(answer, "usage", None))
        return False


def see_event(call: MeasuredCall, event: Any) -> bool:
    """Takes its usage from an event of a stream: the beginning tells the input, the end the rest.

    In between nothing is told, so that a stream left half-way has the output of its beginning: a
    part of it, which says nothing about speed.
    """
    kind = event.type
    if kind == "message_start":
        call.usage = message_usage(event.message.usage)
        call.unfinished = True
    elif kind == "message_delta":
        call.usage = updated_usage(call.usage, event.usage)
        call.unfinished = event.delta.stop_reason is None
    return True
