"""What the tests ask of Claude, and what they read of the answers."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from pulseguard_stack.model_server.ledger import Entry, Tokens
from tests.stack.conftest import ModelServer

HELLO: Any = [{"role": "user", "content": "Tell me something."}]
LONG = "A long text about ships and harbours. " * 300
MARK = {"cache_control": {"type": "ephemeral"}}
SEARCH: dict[str, Any] = {
    "name": "search",
    "input_schema": {
        "type": "object",
        "properties": {"query": {"type": "string"}, "limit": {"type": "integer", "minimum": 3}},
        "required": ["query", "limit"],
    },
}
NOOP: dict[str, Any] = {"name": "noop", "input_schema": {"type": "object", "properties": {}}}


def asked(call: str = "", simulate: str = "", **parameters: Any) -> dict[str, Any]:
    headers = {"X-Call-Id": call or uuid4().hex} | ({"X-Simulate": simulate} if simulate else {})
    defaults = {"model": "claude-sonnet-5", "max_tokens": 4000, "messages": HELLO}
    return {**defaults, "extra_headers": headers, **parameters}


def text_of(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def tokens_of(usage: Any) -> Tokens:
    details = usage.output_tokens_details
    thinking = details.thinking_tokens if details else 0
    return Tokens(
        input=usage.input_tokens,
        cache_read=usage.cache_read_input_tokens,
        cache_write=usage.cache_creation_input_tokens,
        output=usage.output_tokens - thinking,
        reasoning=thinking,
    )


def only_entry(server: ModelServer, call: str) -> Entry:
    (entry,) = server.entries(call)
    return entry
