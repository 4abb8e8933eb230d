"""The openai client: chat completions, responses and embeddings; AzureOpenAI with it."""

from functools import partial
from typing import Any

from pulseguard.instrumentation.measured import Meter
from pulseguard.instrumentation.methods import (
    followed,
    followed_coroutine,
    measured,
    measured_coroutine,
)
from pulseguard.instrumentation.openai.endpoints import ChatCompletions, Embeddings, Responses
from pulseguard.instrumentation.patching import Wrap
from pulseguard.instrumentation.raw import RawAnswers
from pulseguard.instrumentation.retries import retries
from pulseguard.instrumentation.streams import end_stream

_CHAT = "openai.resources.chat.completions.completions"
_RESPONSES = "openai.resources.responses.responses"
_EMBEDDINGS = "openai.resources.embeddings"
_CHAT_STREAMS = "openai.lib.streaming.chat._completions"
_RESPONSE_STREAMS = "openai.lib.streaming.responses._responses"


def wraps(meter: Meter) -> list[Wrap]:
    """The methods of the client that call a model, and those by which an answer ends.

    `stream()` is not among them: when its stream is entered it calls `create`.
    """
    raw = RawAnswers()
    chat, responses = ChatCompletions(meter, raw), Responses(meter, raw)
    embeddings = Embeddings(meter, raw)
    called = [
        (_CHAT, "Completions", "create", chat),
        (_CHAT, "Completions", "parse", chat),
        (_RESPONSES, "Responses", "create", responses),
        (_RESPONSES, "Responses", "parse", responses),
        (_EMBEDDINGS, "Embeddings", "create", embeddings),
    ]
    found: list[Wrap] = []
    for module, owner, method, endpoint in called:
        sync = partial(measured, meter=meter, endpoint=endpoint)
        awaited = partial(measured_coroutine, meter=meter, endpoint=endpoint)
        found.append(Wrap(module, owner, method, sync))
        found.append(Wrap(module, f"Async{owner}", method, awaited))
    found += _ends_of_streams(meter) + _raw_answers(meter, raw)
    return found + retries("openai._base_client", meter)


def _ends_of_streams(meter: Meter) -> list[Wrap]:
    streams = [
        ("openai._streaming", "Stream", _closed),
        (_CHAT_STREAMS, "ChatCompletionStream", _closed_around),
        (_RESPONSE_STREAMS, "ResponseStream", _closed_around),
    ]
    found: list[Wrap] = []
    for module, owner, then in streams:
        sync = partial(followed, meter=meter, then=then)
        awaited = partial(followed_coroutine, meter=meter, then=then)
        found += [Wrap(module, owner, "close", sync)]
        found += [Wrap(module, f"Async{owner}", "close", awaited)]
    return found


def _raw_answers(meter: Meter, raw: RawAnswers) -> list[Wrap]:
    legacy, answers = "openai._legacy_response", "openai._response"
    sync = partial(followed, meter=meter, wanted=raw.any_asked)
    awaited = partial(followed_coroutine, meter=meter, wanted=raw.any_asked)
    parsed = partial(sync, then=raw.parsed, failed=raw.failed)
    awaited_parsed = partial(awaited, then=raw.parsed, failed=raw.failed)
    closed = partial(sync, then=raw.closed)
    awaited_closed = partial(awaited, then=raw.closed)
    # What `text()` and `json()` call.
    read = partial(sync, then=raw.closed, failed=raw.failed)
    awaited_read = partial(awaited, then=raw.closed, failed=raw.failed)
    return [
        Wrap(legacy, "LegacyAPIResponse", "parse", parsed),
        Wrap(answers, "APIResponse", "parse", parsed),
        Wrap(answers, "APIResponse", "read", read),
        Wrap(answers, "APIResponse", "close", closed),
        Wrap(answers, "AsyncAPIResponse", "parse", awaited_parsed),
        Wrap(answers, "AsyncAPIResponse", "read", awaited_read),
        Wrap(answers, "AsyncAPIResponse", "close", awaited_closed),
    ]


def _closed(stream: Any, result: Any) -> None:  # Any: not our types
    end_stream(stream)


def _closed_around(stream: Any, result: Any) -> None:  # Any: not our types
    end_stream(stream._raw_stream)
