"""LangChain under OpenTelemetry's own instrumentation, run against the simulated model server."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import openai
import pytest
from opentelemetry.sdk.trace import TracerProvider

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

if TYPE_CHECKING:
    from tests.exporters.otel.langchain_models import Models

QUESTION = "What is 17 + 25?"
LONG_QUESTION = "Please keep in mind: the ferry carries letters, bicycles and a piano. " * 20
WEATHER: Any = {"messages": [("user", "Use the tool to tell the weather in Paris.")]}
FAULTS = ("429", "500", "401", "400-context", "400-content-filter", "cut", "timeout")
STALLED = "patient timeout"


@pytest.fixture(params=["spans alone", "the client instrumented too"])
def seen(request: pytest.FixtureRequest, provider: TracerProvider) -> Iterator[str]:
    """By whom the calls are seen."""
    # Here and below: what takes seconds is imported by whoever runs this, not by all who read it.
    from opentelemetry.instrumentation.genai.langchain import LangChainInstrumentor

    instrumentor = LangChainInstrumentor()  # type: ignore[no-untyped-call]
    instrumentor.instrument(tracer_provider=provider)
    if request.param != "spans alone":
        assert instrument("openai", ask_usage="never", strict=True) == ("openai",)
    yield request.param
    uninstrument()
    instrumentor.uninstrument()


@pytest.fixture
def models(server: ServedNow, seen: str) -> Iterator[Models]:
    from tests.exporters.otel.langchain_models import Models

    models = Models(server.url)
    yield models
    models.close()


def test_chains_and_agents_count_as_the_server_served_them(
    models: Models, agent: Agent, server: ServedNow
) -> None:
    models.chain().invoke({"question": QUESTION})
    for _ in range(2):
        models.chat("o4-mini").invoke(LONG_QUESTION)
    models.chat().batch([QUESTION] * 3)
    models.agent().invoke(WEATHER)

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
        await models.agent().ainvoke(WEATHER)

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
