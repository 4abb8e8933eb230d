"""A stream stays what it was, and its call is over with it, not when garbage is collected."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

import pulseguard
from pulseguard import Agent
from pulseguard.catalog import CALLS_IN_PROGRESS, ERRORS, OPERATION_DURATION, TOKENS
from tests.exporters.instrumentation.model_server import ModelServer
from tests.exporters.observing import scrape, total

CHAT: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello."}]}
RESPONSE: dict[str, Any] = {"model": "gpt-4o", "input": "Hello."}
CALLS = f"{OPERATION_DURATION.name}_count"

OPEN: dict[str, Callable[[Any], Any]] = {
    "create": lambda client: client.chat.completions.create(stream=True, **CHAT),
    "helper": lambda client: client.chat.completions.stream(**CHAT),
    "response": lambda client: client.responses.create(stream=True, **RESPONSE),
    "response helper": lambda client: client.responses.stream(**RESPONSE),
    "streaming response": lambda client: client.chat.completions.with_streaming_response.create(
        **CHAT
    ),
}


def counted(agent: Agent) -> tuple[float, float]:
    text = scrape(agent)
    return total(text, CALLS), total(text, CALLS_IN_PROGRESS)


@pytest.mark.parametrize("way", OPEN)
def test_leaving_the_with_block_ends_the_call_though_the_stream_is_held(
    agent: Agent, client: OpenAI, way: str
):
    with OPEN[way](client) as held:
        assert counted(agent) == (0, 1)

    assert counted(agent) == (1, 0)
    assert held is not None


@pytest.mark.parametrize("way", OPEN)
def test_leaving_an_async_with_block_does_too(agent: Agent, server: ModelServer, way: str):
    async def main() -> None:
        async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
            async with contextlib.AsyncExitStack() as opened:
                answer = OPEN[way](client)
                answer = await answer if asyncio.iscoroutine(answer) else answer
                held = await opened.enter_async_context(answer)
                assert await asyncio.to_thread(counted, agent) == (0, 1)
            assert await asyncio.to_thread(counted, agent) == (1, 0)
            assert held is not None

    asyncio.run(main())


def test_a_stream_is_read_in_every_way_that_it_could_be(agent: Agent, client: OpenAI):
    stream = OPEN["create"](client)
    first = next(stream)
    rest = list(stream)

    assert type(stream) is openai.Stream
    assert stream.response.is_closed
    assert [first.object, rest[-1].choices[0].finish_reason] == ["chat.completion.chunk", "stop"]
    with pytest.raises(StopIteration):
        next(stream)
    assert counted(agent) == (1, 0)


def test_a_raw_answer_is_parsed_as_often_as_one_likes(agent: Agent, client: OpenAI):
    raw = client.chat.completions.with_raw_response.create(stream=True, **CHAT)

    stream = raw.parse()

    assert raw.parse() is stream
    assert list(stream)
    assert counted(agent) == (1, 0)


def test_a_raw_stream_that_is_read_as_bytes_is_over_when_nobody_holds_it(
    agent: Agent, client: OpenAI
):
    raw = client.chat.completions.with_raw_response.create(stream=True, **CHAT)
    response = raw.http_response
    del raw

    assert b"[DONE]" in response.read()
    assert counted(agent) == (0, 1)
    del response
    assert counted(agent) == (1, 0)


@pytest.mark.parametrize("read", ["text", "json", "read", "parse"])
def test_an_answer_whose_body_is_read_late_is_over_when_it_is_read(
    agent: Agent, client: OpenAI, read: str
):
    with OPEN["streaming response"](client) as answer:
        assert getattr(answer, read)()
        assert counted(agent) == (1, 0)

    told = answer.http_response.json()["usage"]["total_tokens"]
    assert total(scrape(agent), TOKENS) == told


def test_a_body_that_breaks_while_it_is_read_is_a_failed_call(agent: Agent, client: OpenAI):
    create = client.chat.completions.with_streaming_response.create

    with create(**CHAT, extra_headers={"X-Simulate": "cut"}) as answer:
        with pytest.raises(Exception, match="peer closed"):
            answer.text()
        assert counted(agent) == (1, 0)

    assert total(scrape(agent), ERRORS, error_type="network") == 1


def test_clients_made_before_are_measured_too(client: OpenAI, make_agent: Any):
    completions, raw = client.chat.completions, client.with_raw_response
    made = make_agent()
    made.start()

    pulseguard.instrument("openai")
    completions.create(**CHAT)
    raw.chat.completions.create(**CHAT)
    pulseguard.uninstrument()
    completions.create(**CHAT)

    assert counted(made) == (2, 0)


def test_a_raw_view_that_was_asked_for_before_stays_unmeasured_as_the_readme_says(
    client: OpenAI, make_agent: Any
):
    before = client.chat.completions.with_raw_response
    made = make_agent()
    made.start()

    pulseguard.instrument("openai")
    before.create(**CHAT)
    client.chat.completions.with_raw_response.create(**CHAT)
    unmeasured = counted(made)
    client.with_options().chat.completions.with_raw_response.create(**CHAT)
    pulseguard.uninstrument()

    assert unmeasured == (0, 0)
    assert counted(made) == (1, 0)
