"""Anthropic's JSON for answers, events, usage and errors.

After https://platform.claude.com/docs/en/api/messages and /build-with-claude/streaming.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pulseguard_stack.model_server.dialect import Piece
from pulseguard_stack.model_server.errors import Refusal
from pulseguard_stack.model_server.ledger import Tokens
from pulseguard_stack.model_server.messages.answer import Answer
from pulseguard_stack.model_server.outcomes import Outcome
from pulseguard_stack.model_server.tokens import count_tokens
from pulseguard_stack.model_server.tool_calls import Call

Json = Mapping[str, Any]  # Any: JSON of many shapes
_SIGNATURE = "c2ltdWxhdGVk"
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


@dataclass(frozen=True)
class Head:
    """What every answer begins with."""

    id: str
    model: str


def message(head: Head, answer: Answer, usage: Tokens) -> bytes:
    """The whole answer as one object."""
    content: list[Json] = []
    if answer.thinking:
        content.append(_thinking("".join(answer.thinking), _SIGNATURE))
    if answer.text:
        content.append({"type": "text", "text": "".join(answer.text)})
    content += [_tool_use(call, json.loads("".join(call.arguments))) for call in answer.calls]
    return _dump(_message(head, content, answer.stop_reason, usage_object(usage)))


def piece_count(answer: Answer) -> int:
    """How many pieces `pieces` yields."""
    calls = sum(1 + len(call.arguments) for call in answer.calls)
    return 2 + len(answer.thinking) + bool(answer.thinking) + len(answer.text) + calls


def pieces(head: Head, answer: Answer, usage: Tokens) -> Iterator[Piece]:
    """The answer as server-sent events, a token each; beginning and end leave as one piece each."""
    # As at Anthropic, the beginning tells the input, and the output generated so far.
    told = replace(usage, output=min(1, usage.output + usage.reasoning), reasoning=0)
    start = _message(head, [], None, usage_object(told))
    yield Piece(_sse("message_start", message=start) + _sse("ping"), 0, told)
    end = yield from _block_pieces(answer)
    delta = {"stop_reason": answer.stop_reason, "stop_sequence": None}
    end += _sse("message_delta", delta=delta, usage=usage_object(usage))
    yield Piece(end + _sse("message_stop"), 0, usage)


def usage_object(usage: Tokens) -> Json:
    """Anthropic's usage: input without the cached tokens, output with the thinking."""
    return {
        "input_tokens": usage.input,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output + usage.reasoning,
        "output_tokens_details": {"thinking_tokens": usage.reasoning} if usage.reasoning else None,
        "service_tier": "standard",
    }


def error_object(refusal: Refusal) -> bytes:
    """Anthropic's error body."""
    kind = _ERROR_TYPES.get(refusal.status, "api_error")
    return _dump({"type": "error", "error": {"type": kind, "message": _error_message(refusal)}})


def _error_message(refusal: Refusal) -> str:
    # In Anthropic's words: it has no codes, a client can tell these two by nothing else.
    if refusal.outcome is Outcome.CONTEXT_LENGTH:
        return f"prompt is too long: {refusal.message}"
    if refusal.outcome is Outcome.CONTENT_FILTER:
        return f"Output blocked by content filtering policy: {refusal.message}"
    return refusal.message


def _block_pieces(answer: Answer) -> Generator[Piece, None, bytes]:
    """The deltas of all blocks, a block's start with its first; returns the end of the last."""
    opening = b""
    for index, (block, deltas) in enumerate(_blocks(answer)):
        opening += _sse("content_block_start", index=index, content_block=block)
        for delta, tokens in deltas:
            event = _sse("content_block_delta", index=index, delta=delta)
            yield Piece(opening + event, tokens)
            opening = b""
        opening = _sse("content_block_stop", index=index)
    return opening


def _blocks(answer: Answer) -> Iterator[tuple[Json, Iterator[tuple[Json, int]]]]:
    if answer.thinking:
        yield _thinking("", ""), _thinking_deltas(answer)
    if answer.text:
        texts = (({"type": "text_delta", "text": token}, 1) for token in answer.text)
        yield {"type": "text", "text": ""}, texts
    for call in answer.calls:
        yield _tool_use(call, {}), _argument_deltas(call)


def _thinking_deltas(answer: Answer) -> Iterator[tuple[Json, int]]:
    for token in answer.thinking:
        yield {"type": "thinking_delta", "thinking": token}, 1
    yield {"type": "signature_delta", "signature": _SIGNATURE}, 0


def _argument_deltas(call: Call) -> Iterator[tuple[Json, int]]:
    yield {"type": "input_json_delta", "partial_json": ""}, count_tokens(call.name)
    for token in call.arguments:
        yield {"type": "input_json_delta", "partial_json": token}, 1


def _thinking(text: str, signature: str) -> Json:
    return {"type": "thinking", "thinking": text, "signature": signature}


def _tool_use(call: Call, arguments: Json) -> Json:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments}


def _message(head: Head, content: list[Json], stop_reason: str | None, usage: Json) -> Json:
    return {
        "id": head.id,
        "type": "message",
        "role": "assistant",
        "model": head.model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": usage,
    }


def _sse(event: str, **fields: object) -> bytes:
    return f"event: {event}\ndata: ".encode() + _dump({"type": event, **fields}) + b"\n\n"


def _dump(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
