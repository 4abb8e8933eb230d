"""OpenAI's JSON for answers, chunks, usage and errors.

After https://platform.openai.com/docs/api-reference/chat/object and /chat/streaming.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pulseguard_stack.model_server.chat_completions.answer import Answer
from pulseguard_stack.model_server.dialect import Piece
from pulseguard_stack.model_server.errors import Refusal
from pulseguard_stack.model_server.ledger import Tokens
from pulseguard_stack.model_server.log_probabilities import TokenProbability, log_probability
from pulseguard_stack.model_server.tokens import count_tokens
from pulseguard_stack.model_server.tool_calls import Call

Json = Mapping[str, Any]  # Any: JSON of many shapes
_DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class Head:
    """What every object of one answer begins with."""

    id: str
    created: int
    model: str


def completion(head: Head, answer: Answer, usage: Tokens) -> bytes:
    """The whole answer as one object."""
    message: dict[str, Any] = {"role": "assistant", "content": "".join(answer.text) or None}
    message["refusal"] = None
    if answer.calls:
        message["tool_calls"] = [_tool_call(call) for call in answer.calls]
    elif message["content"] is None:
        message["content"] = ""
    choice = {
        "index": 0,
        "message": message,
        "logprobs": _logprobs(answer.probabilities),
        "finish_reason": answer.finish_reason,
    }
    return _dump(_object(head, "chat.completion", [choice]) | {"usage": usage_object(usage)})


def chunks(head: Head, answer: Answer, usage: Tokens | None) -> Iterator[Piece]:
    """The answer as server-sent events, a token each; the end of it leaves as one piece."""
    role = {"role": "assistant", "content": None if answer.calls else "", "refusal": None}
    # As OpenAI does: a text begins with an event of its own, a tool call brings the role along.
    opening = b"" if answer.calls else _event(head, role, None, usage)
    for number, (delta, probability, tokens) in enumerate(_deltas(answer)):
        beginning = role if answer.calls and number == 0 else {}
        yield Piece(opening + _event(head, {**beginning, **delta}, probability, usage), tokens)
        opening = b""
    end = _object(head, "chat.completion.chunk", [_choice({}, None, answer.finish_reason)])
    if usage is None:
        yield Piece(opening + _sse(end) + _DONE, 0)
        return
    last = _object(head, "chat.completion.chunk", []) | {"usage": usage_object(usage)}
    yield Piece(opening + _sse(end | {"usage": None}) + _sse(last) + _DONE, 0)


def usage_object(usage: Tokens) -> Json:
    """OpenAI's usage: its totals include the cached and the reasoning tokens."""
    prompt = usage.input + usage.cache_read + usage.cache_write
    output = usage.output + usage.reasoning
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def error_object(refusal: Refusal) -> bytes:
    """OpenAI's error body."""
    error = {"message": refusal.message, "type": refusal.kind}
    return _dump({"error": {**error, "param": refusal.param, "code": refusal.code}})


def _deltas(answer: Answer) -> Iterator[tuple[Json, TokenProbability | None, int]]:
    probabilities = answer.probabilities or (None,) * len(answer.text)
    for token, probability in zip(answer.text, probabilities, strict=True):
        yield {"content": token}, probability, 1
    for index, call in enumerate(answer.calls):
        beginning = {"index": index, **_tool_call(call)}
        beginning["function"] = {"name": call.name, "arguments": ""}
        yield {"tool_calls": [beginning]}, None, count_tokens(call.name)
        for token in call.arguments:
            more = {"index": index, "function": {"arguments": token}}
            yield {"tool_calls": [more]}, None, 1


def _event(
    head: Head, delta: Json, probability: TokenProbability | None, usage: Tokens | None
) -> bytes:
    choice = _choice(delta, None if probability is None else (probability,), None)
    chunk = _object(head, "chat.completion.chunk", [choice])
    return _sse(chunk if usage is None else chunk | {"usage": None})


def _choice(
    delta: Json, probabilities: tuple[TokenProbability, ...] | None, finish_reason: str | None
) -> Json:
    return {
        "index": 0,
        "delta": delta,
        "logprobs": _logprobs(probabilities),
        "finish_reason": finish_reason,
    }


def _object(head: Head, kind: str, choices: list[Json]) -> dict[str, Any]:
    return {
        "id": head.id,
        "object": kind,
        "created": head.created,
        "model": head.model,
        "service_tier": "default",
        "system_fingerprint": "fp_simulated",
        "choices": choices,
    }


def _tool_call(call: Call) -> dict[str, Any]:
    function = {"name": call.name, "arguments": "".join(call.arguments)}
    return {"id": call.id, "type": "function", "function": function}


def _logprobs(probabilities: Iterable[TokenProbability] | None) -> Json | None:
    if probabilities is None:
        return None
    content = [
        {
            **_token(one.token, one.probability),
            "top_logprobs": [_token(token, probability) for token, probability in one.top],
        }
        for one in probabilities
    ]
    return {"content": content, "refusal": None}


def _token(token: str, probability: float) -> Json:
    logprob = log_probability(probability)
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}


def _sse(chunk: Json) -> bytes:
    return b"data: " + _dump(chunk) + b"\n\n"


def _dump(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
