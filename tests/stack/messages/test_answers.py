"""What the real `anthropic` client gets from the simulated server."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from anthropic import AsyncAnthropic

from tests.stack.messages.asking import (
    HELLO,
    NOOP,
    SEARCH,
    asked,
    only_entry,
    text_of,
    tokens_of,
)


@pytest.mark.parametrize("beta", [False, True])
def test_plain_and_streamed_answers_are_the_same_and_their_usage_is_the_ledgers(
    server, claude, beta
):
    messages = claude.beta.messages if beta else claude.messages
    plain = messages.create(**asked(f"plain {beta}"))
    with messages.stream(**asked(f"plain {beta}")) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()

    assert text_of(plain) == text_of(final) == "".join(pieces)
    assert text_of(plain).startswith("This is simulated text.")
    assert plain.stop_reason == final.stop_reason == "end_turn"
    assert len(pieces) == final.usage.output_tokens > 5
    entries = server.entries(f"plain {beta}")
    assert [entry.tokens for entry in entries] == [tokens_of(plain.usage), tokens_of(final.usage)]
    assert {entry.endpoint for entry in entries} == {"/v1/messages"}


def test_a_stream_has_the_events_of_anthropic_in_their_order(claude):
    events = [event.type for event in claude.messages.create(**asked(), stream=True)]

    start, rest = events[:2], events[2:]
    assert start == ["message_start", "content_block_start"]
    assert set(rest[:-3]) == {"content_block_delta"}
    assert rest[-3:] == ["content_block_stop", "message_delta", "message_stop"]


def test_a_ping_is_among_the_events(server):
    body = {"model": "claude-sonnet-5", "max_tokens": 9, "messages": HELLO, "stream": True}
    request = urllib.request.Request(f"{server.url}/v1/messages", data=json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=5) as answer:
        text = answer.read().decode()

    assert 'event: ping\ndata: {"type":"ping"}\n\n' in text


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_is_called_then_its_result_is_answered_in_text(claude, streamed):
    parameters = asked(tools=[SEARCH], tool_choice={"type": "any"})
    if streamed:
        with claude.messages.stream(**parameters) as stream:
            first = stream.get_final_message()
    else:
        first = claude.messages.create(**parameters)
    (call,) = first.content
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "found"}
    turns = [
        *HELLO,
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result]},
    ]
    second = claude.messages.create(**asked(messages=turns, tools=[SEARCH]))

    assert (first.stop_reason, call.name, call.input.keys()) == (
        "tool_use", "search", {"query", "limit"},
    )  # fmt: skip
    assert call.input["limit"] >= 3
    assert second.stop_reason == "end_turn"
    assert text_of(second)


def test_tool_choice_is_obeyed(claude):
    named = asked(tools=[SEARCH, NOOP], tool_choice={"type": "tool", "name": "noop"})
    calls = [(block.name, block.input) for block in claude.messages.create(**named).content]
    none = claude.messages.create(**asked(tools=[SEARCH], tool_choice={"type": "none"}))

    assert calls == [("noop", {})]
    assert [block.type for block in none.content] == ["text"]


def test_two_tools_are_sometimes_called_at_once_unless_forbidden(claude):
    def numbers_of_calls(choice: dict[str, Any]) -> set[int]:
        parameters = [asked(tools=[SEARCH, NOOP], tool_choice=choice) for _ in range(20)]
        return {len(claude.messages.create(**one).content) for one in parameters}

    assert numbers_of_calls({"type": "any"}) == {1, 2}
    assert numbers_of_calls({"type": "any", "disable_parallel_tool_use": True}) == {1}


@pytest.mark.parametrize("streamed", [False, True])
def test_thinking_comes_first_and_is_counted_within_the_output(server, claude, streamed):
    call = f"thinking {streamed}"
    parameters = asked(call, thinking={"type": "enabled", "budget_tokens": 1024})
    if streamed:
        with claude.messages.stream(**parameters) as stream:
            message = stream.get_final_message()
    else:
        message = claude.messages.create(**parameters)

    assert [block.type for block in message.content] == ["thinking", "text"]
    assert 0 < message.usage.output_tokens_details.thinking_tokens < message.usage.output_tokens
    assert message.content[0].signature
    assert only_entry(server, call).tokens == tokens_of(message.usage)


def test_max_tokens_ends_the_answer(claude):
    answer = claude.messages.create(**asked(max_tokens=3))

    assert (answer.stop_reason, answer.usage.output_tokens) == ("max_tokens", 3)


def test_a_structured_answer_fits_its_schema(claude):
    form = {"format": {"type": "json_schema", "schema": SEARCH["input_schema"]}}
    answer = claude.messages.create(**asked(output_config=form))

    assert json.loads(text_of(answer)).keys() == {"query", "limit"}


def test_the_async_client_gets_the_same_answer(server, claude):
    async def stream() -> Any:
        async with (
            AsyncAnthropic(base_url=server.url, api_key="none") as client,
            client.messages.stream(**asked("async")) as stream,
        ):
            return await stream.get_final_message()

    plain = claude.messages.create(**asked("async"))

    assert text_of(asyncio.run(stream())) == text_of(plain) != ""
