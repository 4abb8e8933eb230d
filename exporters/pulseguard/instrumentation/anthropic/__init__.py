"""The anthropic client: messages and beta messages; its clients for Bedrock and Vertex with it."""

from functools import partial
from typing import Any

from pulseguard.instrumentation.anthropic.endpoint import Messages
from pulseguard.instrumentation.anthropic.managers import Managers
from pulseguard.instrumentation.measured import Meter
from pulseguard.instrumentation.methods import (
    followed,
    followed_coroutine,
    measured,
    measured_coroutine,
)
from pulseguard.instrumentation.patching import Wrap
from pulseguard.instrumentation.raw import RawAnswers
from pulseguard.instrumentation.retries import retries
from pulseguard.instrumentation.streams import end_stream

_RESOURCES = (
    "anthropic.resources.messages.messages",
    "anthropic.resources.beta.messages.messages",
    # These two have borrowed the functions of beta messages for classes of their own.
    "anthropic.lib.bedrock._beta_messages",
    "anthropic.lib.vertex._beta_messages",
)
_MESSAGE_STREAMS = "anthropic.lib.streaming._messages"
_BETA_STREAMS = "anthropic.lib.streaming._beta_messages"


def wraps(meter: Meter) -> list[Wrap]:
    """The methods of the client that call a model, and those by which an answer ends.

    `count_tokens` is not among them: no model runs for it, nothing is generated or paid. Neither
    are batches: their answers come hours later, to another request.
    """
    raw = RawAnswers()
    messages = Messages(raw)
    managers = Managers(messages, meter)
    found = _entered_streams(managers) + _ends_of_streams(meter) + _raw_answers(meter, raw)
    found += retries("anthropic._base_client", meter)
    sync = partial(measured, meter=meter, endpoint=messages)
    awaited = partial(measured_coroutine, meter=meter, endpoint=messages)
    for module in _RESOURCES:
        for method in ("create", "parse"):
            found.append(Wrap(module, "Messages", method, sync))
            found.append(Wrap(module, "AsyncMessages", method, awaited))
        found.append(Wrap(module, "Messages", "stream", managers.returning))
        found.append(Wrap(module, "AsyncMessages", "stream", managers.returning))
    return found


def _entered_streams(managers: Managers) -> list[Wrap]:
    enter, aenter = managers.entered, managers.entered_coroutine
    return [
        Wrap(_MESSAGE_STREAMS, "MessageStreamManager", "__enter__", enter),
        Wrap(_MESSAGE_STREAMS, "AsyncMessageStreamManager", "__aenter__", aenter),
        Wrap(_BETA_STREAMS, "BetaMessageStreamManager", "__enter__", enter),
        Wrap(_BETA_STREAMS, "BetaAsyncMessageStreamManager", "__aenter__", aenter),
    ]


def _ends_of_streams(meter: Meter) -> list[Wrap]:
    # The streams of `stream()` close these.
    closed = partial(followed, meter=meter, then=_closed)
    awaited = partial(followed_coroutine, meter=meter, then=_closed)
    return [
        Wrap("anthropic._streaming", "Stream", "close", closed),
        Wrap("anthropic._streaming", "AsyncStream", "close", awaited),
    ]


def _raw_answers(meter: Meter, raw: RawAnswers) -> list[Wrap]:
    found: list[Wrap] = []
    for method, then, failed in (
        ("parse", raw.parsed, raw.failed),
        ("read", raw.closed, raw.failed),
        ("close", raw.closed, None),
    ):
        told = partial(partial, meter=meter, then=then, failed=failed, wanted=raw.any_asked)
        sync, awaited = told(followed), told(followed_coroutine)
        found.append(Wrap("anthropic._response", "APIResponse", method, sync))
        found.append(Wrap("anthropic._response", "AsyncAPIResponse", method, awaited))
    return found


def _closed(stream: Any, result: Any) -> None:  # Any: not our types
    end_stream(stream)
