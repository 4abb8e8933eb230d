"""How prompts are counted, and which part of them is read from the cache."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import anthropic
import pytest

from pulseguard_stack.model_server.ledger import Tokens
from tests.stack.messages.asking import (
    HELLO,
    LONG,
    MARK,
    asked,
    only_entry,
    tokens_of,
)


def test_a_marked_prefix_is_written_once_and_read_from_then_on(server, claude):
    unique = {"type": "text", "text": uuid4().hex + LONG, **MARK}
    system = [{"type": "text", "text": uuid4().hex}]

    def usage_of(call: str, content: list[Any]) -> Tokens:
        turn = {"role": "user", "content": content}
        asking = asked(call, messages=[turn], system=system)
        told = tokens_of(claude.messages.create(**asking).usage)
        assert only_entry(server, call).tokens == told
        return told

    first = usage_of("writes", [unique, {"type": "text", "text": "One."}])
    second = usage_of("reads", [unique, {"type": "text", "text": "Two, and more."}])
    third = usage_of("extends", [unique, {"type": "text", "text": LONG, **MARK}])

    assert (first.cache_read, first.cache_write > 1024) == (0, True)
    assert (second.cache_read, second.cache_write) == (first.cache_write, 0)
    assert (third.cache_read, third.cache_write > 1024) == (first.cache_write, True)
    assert 0 < first.input < second.input < 20


def test_no_more_is_read_than_is_marked(claude):
    first = {"type": "text", "text": uuid4().hex + LONG}
    rest = {"type": "text", "text": LONG}

    def usage_of(*content: dict[str, Any]) -> Tokens:
        turn = {"role": "user", "content": list(content)}
        return tokens_of(claude.messages.create(**asked(messages=[turn])).usage)

    whole = usage_of({**first, **MARK}, {**rest, **MARK})
    part = usage_of({**first, **MARK}, rest)

    assert part.cache_write == 0
    assert 1024 < part.cache_read < whole.cache_write
    assert part.input + part.cache_read == whole.input + whole.cache_write


def test_without_marks_or_below_the_minimum_nothing_is_cached(claude):
    short = [{"role": "user", "content": [{"type": "text", "text": "Hello.", **MARK}]}]
    for messages in (short, [{"role": "user", "content": LONG}]):
        for _ in range(2):
            usage = claude.messages.create(**asked(messages=messages)).usage

            assert usage.cache_read_input_tokens == usage.cache_creation_input_tokens == 0


def test_counting_tokens_is_no_attempt(server, claude):
    parameters: Any = {"model": "claude-sonnet-5", "messages": HELLO, "system": "Be brief."}
    before = len(server.get("/ledger?limit=10000")["entries"])
    counted = claude.messages.count_tokens(**parameters).input_tokens
    after = len(server.get("/ledger?limit=10000")["entries"])

    assert claude.messages.create(**asked(system="Be brief.")).usage.input_tokens == counted
    assert after == before
    with pytest.raises(anthropic.BadRequestError, match="messages"):
        claude.messages.count_tokens(model="claude-sonnet-5", messages=[])
