"""Agents of Pydantic AI, run against the simulated model server: spans and ledger agree."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from pulseguard import Agent
from pulseguard.catalog import INVOKE_AGENT_DURATION, TIME_TO_FIRST_CHUNK
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
    from tests.exporters.otel.pydantic_ai_run import Run

QUESTION = "What is 17 + 25?"
LONG_QUESTION = "Please keep in mind: the ferry carries letters, bicycles and a piano. " * 20
FAULTS = ("429", "500", "401", "400-context", "400-content-filter", "cut", "timeout")
STALLED = "patient timeout"


@pytest.fixture(params=["spans alone", "the client instrumented too"])
def seen(request: pytest.FixtureRequest) -> Iterator[str]:
    """By whom the calls are seen."""
    if request.param != "spans alone":
        assert instrument("openai", ask_usage="never", strict=True) == ("openai",)
    yield request.param
    uninstrument()


@pytest.fixture
def run(provider: TracerProvider, server: ServedNow, seen: str) -> Run:
    # What takes a second is imported by whoever runs this, not by all who read it.
    from tests.exporters.otel.pydantic_ai_run import Run

    return Run(provider, server)


def look_up(city: str) -> str:
    """Look up the weather."""
    return f"sunny in {city}"


def broken(city: str) -> str:
    """Look up the weather."""
    raise TimeoutError(city)


def test_whole_answers_and_tools_count_as_the_server_served_them(
    run: Run, agent: Agent, server: ServedNow
) -> None:
    async def work() -> None:
        await run.agent().run(QUESTION)
        await run.agent("o4-mini").run(LONG_QUESTION)
        await run.agent("o4-mini").run(LONG_QUESTION)
        await run.agent(tools=[look_up]).run("Use the tool to tell the weather in Paris.")

    run.until_done(work)

    entries = server.entries()
    assert counted(agent) == served(entries)
    assert {"input", "cache_read", "output", "reasoning"} == served(entries).tokens.keys()
    assert tool_uses(agent) == {("look_up", ""): sum(entry.tool_calls for entry in entries)}


def test_streams_count_as_the_server_served_them(run: Run, agent: Agent, server: ServedNow) -> None:
    async def work() -> None:
        for model in ("gpt-4o-mini", "o4-mini"):
            async with run.agent(model).run_stream("Tell me a story.") as answer:
                async for _ in answer.stream_text(delta=True):
                    pass

    run.until_done(work)

    assert counted(agent) == served(server.entries())
    assert total(scrape(agent), f"{TIME_TO_FIRST_CHUNK.name}_count") == 2


def test_an_agent_run_without_asyncio_counts_the_same(
    run: Run, agent: Agent, server: ServedNow
) -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        run.agent(tools=[look_up]).run_sync("Use the tool to tell the weather in Paris.")
        loop.run_until_complete(run.close())
    finally:
        asyncio.set_event_loop(None)
        loop.close()

    assert counted(agent) == served(server.entries())


def test_failures_have_the_types_that_the_server_gave_them(
    run: Run, agent: Agent, server: ServedNow
) -> None:
    async def work() -> None:
        for fault in FAULTS:
            with suppress(run.error):
                await run.agent(fault=fault).run("Tell me a story.")

    run.until_done(work)

    assert counted(agent) == served(server.entries())


def test_failures_of_streams_have_the_types_that_the_server_gave_them(
    run: Run, agent: Agent, server: ServedNow, seen: str
) -> None:
    async def read(fault: str, **settings: Any) -> None:
        asked = run.agent(fault=fault, model_settings=settings)
        async with asked.run_stream("Tell me a story.") as answer:
            async for _ in answer.stream_text(delta=True):
                pass

    async def handle(_: object, events: AsyncIterable[object]) -> None:
        async for _event in events:
            pass

    async def work() -> None:
        for fault in FAULTS:
            with suppress(run.error):
                await read(fault)
        with suppress(run.error):
            await run.agent(fault="cut").run("Tell me a story.", event_stream_handler=handle)
        if seen == "spans alone":  # to the client, who has no patience is a caller that gives up
            with suppress(run.error):
                await read(STALLED, first_event_timeout=0.1)

    run.until_done(work)

    assert counted(agent) == served(server.entries())
    # Those that were cut had begun.
    assert without_usage(agent) == 2


def test_what_fails_while_a_stream_is_read_is_no_failure_of_its_call(
    run: Run, agent: Agent, server: ServedNow
) -> None:
    async def read(error: BaseException | None) -> None:
        async with run.agent().run_stream("Tell me a story.") as answer:
            async for _ in answer.stream_text(delta=True):
                if error is not None:
                    raise error
                await run.agent(fault="429").run(QUESTION)

    async def work() -> None:
        for error in (ConnectionError(), asyncio.CancelledError(), None):
            with suppress(ConnectionError, asyncio.CancelledError, run.error):
                await read(error)

    run.until_done(work)

    assert counted(agent).errors == {"rate_limit": 1}
    assert counted(agent).calls == len(server.entries()) == 4


def test_calls_that_are_cancelled_before_any_answer_have_no_usage_to_miss(
    run: Run, agent: Agent, server: ServedNow
) -> None:
    async def read() -> None:
        async with run.agent(fault=STALLED).run_stream(QUESTION):
            pass

    async def work() -> None:
        await server.cancel_once_asked(run.agent(fault=STALLED).run(QUESTION))
        await server.cancel_once_asked(read())

    run.until_done(work)

    assert counted(agent) == Counted(2)
    assert without_usage(agent) == 0


def test_a_tool_that_fails_counts_as_failed(run: Run, agent: Agent, server: ServedNow) -> None:
    asked = run.agent(tools=[broken])
    with pytest.raises(TimeoutError):
        run.until_done(lambda: asked.run("Use the tool to tell the weather in Paris."))

    assert counted(agent) == served(server.entries())
    assert tool_uses(agent) == {("broken", "timeout"): 1}


def test_agents_at_the_same_time_count_apart_and_together(
    run: Run, agent: Agent, server: ServedNow
) -> None:
    async def work() -> None:
        asked = run.agent(tools=[look_up], name="weather")
        await asyncio.gather(*(asked.run(f"Use the tool for city {n}.") for n in range(8)))

    run.until_done(work)

    assert counted(agent) == served(server.entries())
    name = f"{INVOKE_AGENT_DURATION.name}_count"
    assert total(scrape(agent), name, gen_ai_agent_name="weather", error_type="") == 8
