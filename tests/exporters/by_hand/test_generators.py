"""Decorated generators: the block lasts until they end, however that comes about."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from pulseguard.catalog import CALLS_IN_PROGRESS, OPERATION_DURATION, TOKENS
from pulseguard.current import current_agent
from pulseguard.recording.calls import OPEN_CALL
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import scrape, total

CALLS = f"{OPERATION_DURATION.name}_count"


def test_the_block_of_a_generator_lasts_until_it_ends(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    @agent.llm_call("openai", "gpt-4o")
    def stream() -> Iterator[int]:
        agent.this_call().first_chunk()
        yield 1
        yield 2
        agent.this_call().usage(input_tokens=5)

    never_begun = stream()
    dropped = stream()
    next(dropped)
    whole = stream()
    first = next(whole)
    under_way = scrape(agent)
    del never_begun, dropped
    rest = list(whole)

    text = scrape(agent)
    assert [first, *rest] == [1, 2]
    assert total(under_way, CALLS_IN_PROGRESS) == 2
    assert total(under_way, CALLS) == 0
    assert total(text, CALLS_IN_PROGRESS) == 0
    assert total(text, CALLS, error_type="") == 2
    assert total(text, TOKENS) == 5


def test_a_generator_closed_half_way_ends_within_its_block(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    @agent.llm_call("openai", "gpt-4o")
    def stream() -> Iterator[int]:
        try:
            yield 1
        finally:
            agent.this_call().usage(input_tokens=5)

    @agent.llm_call("openai", "gpt-4o")
    async def async_stream() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            agent.this_call().usage(input_tokens=6)

    async def take_one() -> None:
        chunks: Any = async_stream()
        await chunks.asend(None)
        await chunks.aclose()

    chunks: Any = stream()
    next(chunks)
    chunks.close()
    asyncio.run(take_one())

    assert total(scrape(agent), TOKENS) == 11
    assert total(scrape(agent), CALLS, error_type="") == 2


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_generator_that_the_garbage_collector_ends_never_blocks(
    make_agent: MakeAgent, by_hand: bool
) -> None:
    agent = make_agent()
    agent.start()

    def with_block() -> Iterator[int]:
        with agent.llm_call("openai", "gpt-4o"):
            yield 1

    @agent.llm_call("openai", "gpt-4o")
    def decorated() -> Iterator[int]:
        yield 1

    stream = with_block() if by_hand else decorated()
    next(stream)
    with agent._recorder.series.lock:  # as when it comes in the middle of a recording
        del stream

    assert total(scrape(agent), CALLS) == 1
    assert total(scrape(agent), CALLS_IN_PROGRESS) == 0


def test_what_is_sent_and_thrown_into_a_generator_arrives(make_agent: MakeAgent) -> None:
    agent = make_agent()

    def plain() -> Any:
        heard: list[object] = []
        while True:
            try:
                heard.append((yield len(heard)))
            except KeyError as error:
                heard.append(error)
            if len(heard) == 3:
                return heard

    async def coroutine() -> Any:
        heard: list[object] = []
        while len(heard) < 3:
            try:
                heard.append((yield len(heard)))
            except KeyError as error:
                heard.append(error)

    error = KeyError("x")
    generator = agent.tool("x")(plain)()
    said = [next(generator), generator.send("a"), generator.throw(error)]
    with pytest.raises(StopIteration) as stopped:
        generator.send("b")

    async def drive() -> list[object]:
        generator = agent.tool("x")(coroutine)()
        answers = [
            await generator.asend(None),
            await generator.asend("a"),
            await generator.athrow(error),
        ]
        with pytest.raises(StopAsyncIteration):
            await generator.asend("b")
        return answers

    assert said == [0, 1, 2]
    assert stopped.value.value == ["a", error, "b"]
    assert asyncio.run(drive()) == [0, 1, 2]


def test_calls_made_between_two_items_are_not_part_of_the_generator(make_agent: MakeAgent) -> None:
    agent, other = make_agent(), make_agent("other")

    @other.task()
    @other.llm_call("openai", "gpt-4o")
    def stream() -> Iterator[bool]:
        for _ in range(2):
            yield OPEN_CALL.get() is not None and current_agent() is other

    @other.task()
    @other.llm_call("openai", "gpt-4o")
    async def async_stream() -> AsyncIterator[bool]:
        for _ in range(2):
            yield OPEN_CALL.get() is not None and current_agent() is other
            await asyncio.sleep(0)

    async def iterate() -> None:
        with agent.task():
            for is_inside in stream():
                assert is_inside
                assert OPEN_CALL.get() is None
                assert current_agent() is agent
            async for is_inside in async_stream():
                assert is_inside
                assert OPEN_CALL.get() is None
                assert current_agent() is agent
        assert current_agent() is None

    asyncio.run(iterate())


def test_a_function_that_returns_a_generator_is_over_when_it_has_returned_it(
    make_agent: MakeAgent,
) -> None:
    agent = make_agent()
    agent.start()

    @agent.llm_call("openai", "gpt-4o")
    def open_stream() -> Iterator[int]:
        return iter([1, 2])

    @agent.llm_call("openai", "gpt-4o")
    async def stream() -> AsyncIterator[int]:
        yield 1
        yield 2

    async def under_way() -> tuple[str, str]:
        chunks: Any = stream()
        unasked = scrape(agent)
        await chunks.asend(None)
        asked = scrape(agent)
        await chunks.aclose()
        return unasked, asked

    returned = open_stream()
    unasked, asked = asyncio.run(under_way())

    assert list(returned) == [1, 2]
    assert (total(unasked, CALLS), total(unasked, CALLS_IN_PROGRESS)) == (1, 0)
    assert (total(asked, CALLS), total(asked, CALLS_IN_PROGRESS)) == (1, 1)
    assert total(scrape(agent), CALLS) == 2
