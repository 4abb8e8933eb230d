"""LangChain under OpenTelemetry's own instrumentation, run against the simulated model server."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import openai
import pytest
from langchain.agents import create_agent
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from opentelemetry.instrumentation.genai.langchain import LangChainInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from pydantic import SecretStr

from pulseguard import Agent
from pulseguard.catalog import TIME_TO_FIRST_CHUNK
from pulseguard.instrumentation import instrument, uninstrument
from tests.exporters.observing import scrape, total
from tests.exporters.otel.conftest import ServedNow
from tests.exporters.otel.counted import (
    Counted,
    counted,
    served,
    tool_uses,
    without_usage,
)

QUESTION = "What is 17 + 25?"
LONG_QUESTION = "Please keep in mind: the ferry carries letters, bicycles and a piano. " * 20
WEATHER: Any = {"messages": [("user", "Use the tool to tell the weather in Paris.")]}
FAULTS = ("429", "500", "401", "400-context", "400-content-filter", "cut", "timeout")
STALLED = "patient timeout"


@pytest.fixture(params=["spans alone", "the client instrumented too"])
def seen(request: pytest.FixtureRequest, provider: TracerProvider) -> Iterator[str]:
    """By whom the calls are seen."""
    instrumentor = LangChainInstrumentor()  # type: ignore[no-untyped-call]
    instrumentor.instrument(tracer_provider=provider)
    if request.param != "spans alone":
        assert instrument("openai", ask_usage="never", strict=True) == ("openai",)
    yield request.param
    uninstrument()
    instrumentor.uninstrument()


class Models:
    """Chat models with HTTP clients of their own: those of LangChain outlive event loops."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = openai.DefaultHttpxClient()
        self._async_client = openai.DefaultAsyncHttpxClient()

    def chat(self, model: str = "gpt-4o-mini", fault: str = "ok") -> ChatOpenAI:
        return ChatOpenAI(
            model=model,
            base_url=self._url,
            api_key=SecretStr("none"),
            max_retries=0,
            stream_usage=True,
            timeout=0.3 if fault == "timeout" else 10,
            default_headers={"X-Simulate": fault.removeprefix("patient ")},
            http_client=self._client,
            http_async_client=self._async_client,
        )

    def until_done(self, work: Callable[[], Awaitable[object]]) -> None:
        """Run this to its end, client closed."""

        async def whole() -> None:
            async with self._async_client:
                await work()

        asyncio.run(whole())

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def models(server: ServedNow, seen: str) -> Iterator[Models]:
    models = Models(server.url)
    yield models
    models.close()


@tool
def look_up(city: str) -> str:
    """Look up the weather."""
    return f"sunny in {city}"


def test_chains_and_agents_count_as_the_server_served_them(
    models: Models, agent: Agent, server: ServedNow
) -> None:
    (ChatPromptTemplate.from_template("{question}") | models.chat()).invoke({"question": QUESTION})
    for _ in range(2):
        models.chat("o4-mini").invoke(LONG_QUESTION)
    models.chat().batch([QUESTION] * 3)
    create_agent(models.chat(), tools=[look_up]).invoke(WEATHER)

    entries = server.entries()
    assert counted(agent) == served(entries)
    assert {"input", "cache_read", "output", "reasoning"} == served(entries).tokens.keys()
    assert tool_uses(agent) == {("look_up", ""): sum(entry.tool_calls for entry in entries)}


def test_streams_count_as_the_server_served_them(
    models: Models, agent: Agent, server: ServedNow
) -> None:
    for model in ("gpt-4o-mini", "o4-mini"):
        for _ in models.chat(model).stream("Tell me a story."):
            pass

    assert counted(agent) == served(server.entries())
    assert total(scrape(agent), f"{TIME_TO_FIRST_CHUNK.name}_count") == 2


def test_coroutines_count_as_the_server_served_them(
    models: Models, agent: Agent, server: ServedNow
) -> None:
    async def work() -> None:
        await asyncio.gather(*(models.chat().ainvoke(QUESTION) for _ in range(4)))
        async for _ in models.chat("o4-mini").astream("Tell me a story."):
            pass
        await create_agent(models.chat(), tools=[look_up]).ainvoke(WEATHER)

    models.until_done(work)

    entries = server.entries()
    assert counted(agent) == served(entries)
    assert tool_uses(agent) == {("look_up", ""): sum(entry.tool_calls for entry in entries)}


def test_failures_have_the_types_that_the_server_gave_them(
    models: Models, agent: Agent, server: ServedNow
) -> None:
    for fault in FAULTS:
        with suppress(openai.OpenAIError):
            models.chat(fault=fault).invoke(QUESTION)
        with suppress(openai.OpenAIError):
            list(models.chat(fault=fault).stream(QUESTION))

    assert counted(agent) == served(server.entries())


def test_failures_of_coroutines_have_the_types_that_the_server_gave_them(
    models: Models, agent: Agent, server: ServedNow
) -> None:
    async def work() -> None:
        for fault in FAULTS:
            with suppress(openai.OpenAIError):
                await models.chat(fault=fault).ainvoke(QUESTION)
            with suppress(openai.OpenAIError):
                async for _ in models.chat(fault=fault).astream(QUESTION):
                    pass

    models.until_done(work)

    assert counted(agent) == served(server.entries())


def test_streams_that_the_caller_lets_go_are_no_failures(models: Models, agent: Agent) -> None:
    async def work() -> None:
        async for _ in models.chat().astream("Tell me a story."):
            break

    for _ in models.chat().stream("Tell me a story."):
        break
    gc.collect()
    models.until_done(work)

    assert counted(agent) == Counted(2)
    assert without_usage(agent) == 2


def test_calls_that_are_cancelled_before_any_answer_have_no_usage_to_miss(
    models: Models, agent: Agent, server: ServedNow
) -> None:
    async def read() -> None:
        async for _ in models.chat(fault=STALLED).astream(QUESTION):
            pass

    async def work() -> None:
        await server.cancel_once_asked(models.chat(fault=STALLED).ainvoke(QUESTION))
        await server.cancel_once_asked(read())

    models.until_done(work)

    assert counted(agent) == Counted(2)
    assert without_usage(agent) == 0
