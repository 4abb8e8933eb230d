"""Calls that the caller gives up before there is an answer: no failure, and no missing usage."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Generator, Iterator
from functools import partial
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from pulseguard import Agent, LlmCall
from pulseguard.catalog import CALLS_WITHOUT_USAGE, ERRORS, OPERATION_DURATION
from tests.exporters.instrumentation.model_server import ModelServer, model_server
from tests.exporters.observing import scrape, total

STALL: dict[str, Any] = {"extra_headers": {"X-Simulate": "timeout"}}
SAID: dict[str, Any] = {"messages": [{"role": "user", "content": "Tell me something."}]}
CLAUDE: dict[str, Any] = {**SAID, "model": "claude-sonnet-5", "max_tokens": 9}
CHAT: dict[str, Any] = {**SAID, "model": "gpt-4o"}
RESPONSE: dict[str, Any] = {"model": "gpt-4o", "input": "Tell me something."}
EMBEDDING: dict[str, Any] = {"model": "text-embedding-3-small", "input": "A boat."}

Ask = Callable[[openai.AsyncOpenAI, anthropic.AsyncAnthropic], Awaitable[object]]


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with model_server("--first-token-median", "0", "--stall-seconds", "5") as running:
        yield running


async def enter(manager: Any) -> None:
    async with manager:
        pass


ASKED: dict[str, Ask] = {
    "chat": lambda gpt, _: gpt.chat.completions.create(**CHAT, **STALL),
    "streamed": lambda gpt, _: gpt.chat.completions.create(**CHAT, **STALL, stream=True),
    "parse": lambda gpt, _: gpt.chat.completions.parse(**CHAT, **STALL),
    "raw": lambda gpt, _: gpt.chat.completions.with_raw_response.create(**CHAT, **STALL),
    "response": lambda gpt, _: gpt.responses.create(**RESPONSE, **STALL),
    "embedding": lambda gpt, _: gpt.embeddings.create(**EMBEDDING, **STALL),
    "streaming response": lambda gpt, _: enter(
        gpt.embeddings.with_streaming_response.create(**EMBEDDING, **STALL)
    ),
    "message": lambda _, claude: claude.messages.create(**CLAUDE, **STALL),
    "message stream": lambda _, claude: enter(claude.messages.stream(**CLAUDE, **STALL)),
}


def numbers(agent: Agent) -> tuple[float, float, float]:
    """Calls that did not fail, errors, and answers without usage."""
    text = scrape(agent)
    well = total(text, f"{OPERATION_DURATION.name}_count", error_type="")
    return well, total(text, ERRORS), total(text, CALLS_WITHOUT_USAGE)


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_a_call_cancelled_before_any_answer_is_no_failure_and_has_no_usage_to_miss(
    agent: Agent, server: ModelServer, ask: Ask
):
    async def give_up() -> None:
        async with (
            openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="none") as gpt,
            anthropic.AsyncAnthropic(base_url=server.url, api_key="none") as claude,
        ):
            await asyncio.wait_for(ask(gpt, claude), 0.2)

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())

    assert numbers(agent) == (1, 0, 0)
    waited = total(scrape(agent), f"{OPERATION_DURATION.name}_sum")
    assert 0.1 < waited < 5


def interrupted(request: httpx2.Request) -> httpx2.Response:
    raise KeyboardInterrupt


def test_a_call_interrupted_before_any_answer_is_the_same(agent: Agent):
    transport = httpx2.MockTransport(interrupted)
    with (
        openai.OpenAI(api_key="none", http_client=httpx2.Client(transport=transport)) as gpt,
        anthropic.Anthropic(api_key="none", http_client=httpx2.Client(transport=transport)) as ant,
    ):
        with pytest.raises(KeyboardInterrupt):
            gpt.chat.completions.create(**CHAT)
        with pytest.raises(KeyboardInterrupt), ant.messages.stream(**CLAUDE):
            pass

    assert numbers(agent) == (2, 0, 0)


def test_a_coroutine_that_nobody_awaits_any_more_is_the_same(agent: Agent):
    class Stalled(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            await Forever()
            raise AssertionError

    async def forget() -> None:
        http = httpx2.AsyncClient(transport=Stalled())
        client = openai.AsyncOpenAI(api_key="none", http_client=http)
        asking: Any = client.embeddings.create(**EMBEDDING)
        asking.send(None)
        asking.close()

    asyncio.run(forget())

    assert numbers(agent) == (1, 0, 0)


class Forever:
    def __await__(self) -> Generator[None, None, None]:
        while True:
            yield


def test_an_answer_that_is_left_half_way_is_one_without_usage(agent: Agent, server: ModelServer):
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
        interrupted = client.embeddings.with_streaming_response.create(**EMBEDDING)
        assert interrupted.__enter__().status_code == 200
        interrupted.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
        stream = client.chat.completions.create(**CHAT, stream=True)
        stream.close()

    assert numbers(agent) == (2, 0, 2)


def test_a_call_by_hand_that_is_given_up_is_judged_by_what_is_known(
    agent: Agent, server: ModelServer
):
    def given_up(say: Callable[[LlmCall], object]) -> tuple[float, float, float]:
        with contextlib.suppress(KeyboardInterrupt), agent.llm_call("mine", "m") as call:
            say(call)
            raise KeyboardInterrupt
        return numbers(agent)

    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none") as client:
        assert given_up(lambda call: None) == (1, 0, 0)
        assert given_up(lambda call: call.first_chunk()) == (2, 0, 1)
        begin: Any = partial(client.chat.completions.create, **CHAT, stream=True)
        assert given_up(lambda call: begin().close()) == (3, 0, 2)


def test_a_generator_by_hand_that_is_closed_has_handed_something_out(agent: Agent):
    @agent.llm_call("mine", "m")
    def pieces() -> Iterator[int]:
        yield from range(3)

    reading: Any = pieces()
    next(reading)
    reading.close()

    assert numbers(agent) == (1, 0, 1)
