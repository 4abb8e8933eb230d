"""Streams of Claude and how they end, where the simulated server has nothing to say."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import anthropic
import pytest

from pulseguard.catalog import (
    CALLS_IN_PROGRESS,
    CALLS_WITHOUT_USAGE,
)
from tests.exporters.instrumentation.anthropic.counting import CALLS, SPEEDS, tokens
from tests.exporters.instrumentation.anthropic.fakes import (
    HELLO,
    MESSAGE,
    STOP,
    async_claude,
    claude,
    delta,
    start,
)
from tests.exporters.observing import scrape, total


def test_a_thread_of_messages_counts_each_of_its_calls_once(agent):
    parameters: Any = {"model": "claude-sonnet-5", "max_tokens": 100}
    hello: Any = "Hello."
    events = [start(input_tokens=9, output_tokens=1), delta("end_turn", output_tokens=28), STOP]
    with (
        claude(200, events) as client,
        client.beta.messages.thread(**parameters).stream(hello) as stream,
    ):
        stream.until_done()
    with claude(200, MESSAGE) as client:
        client.beta.messages.thread(**parameters).send(hello)

    assert total(scrape(agent), CALLS) == 2
    assert tokens(agent) == {"input": 18, "output": 56}


def test_a_closed_stream_is_over_though_somebody_still_holds_it(agent):
    events = [start(input_tokens=9, output_tokens=1), delta("end_turn", output_tokens=28), STOP]
    with claude(200, events) as client:
        held = client.messages.create(**HELLO, stream=True)
        next(held)
        open_calls = total(scrape(agent), CALLS_IN_PROGRESS)
        held.close()

        text = scrape(agent)
        assert (open_calls, total(text, CALLS_IN_PROGRESS), total(text, CALLS)) == (1, 0, 1)
        held.close()
        assert total(scrape(agent), CALLS) == 1


@pytest.mark.parametrize("read", [0, 1])
def test_an_async_stream_that_is_forgotten_is_over_with_its_last_event(agent, read):
    events = [start(input_tokens=9, output_tokens=1), delta("end_turn", output_tokens=28), STOP]

    async def main() -> None:
        async with async_claude(200, events) as client:
            stream = await client.messages.create(**HELLO, stream=True)
            for _ in range(read):
                await anext(stream)
            del stream
            gc.collect()

            assert total(scrape(agent), CALLS_IN_PROGRESS) == 0

    asyncio.run(main())
    assert total(scrape(agent), CALLS) == 1
    assert tokens(agent) == ({"input": 9, "output": 1} if read else {})
    assert total(scrape(agent), CALLS_WITHOUT_USAGE) == 1 - read


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_stream_left_half_way_tells_its_tokens_and_no_speed(agent, by_hand):
    events = [start(input_tokens=9, output_tokens=3), delta("end_turn", output_tokens=28), STOP]
    with claude(200, events) as client:
        if by_hand:
            with agent.llm_call("mine", "my-model"):
                _read_one(client)
        else:
            _read_one(client)

    assert tokens(agent) == {"input": 9, "output": 3}
    assert total(scrape(agent), SPEEDS) == 0


def _read_one(client: anthropic.Anthropic) -> None:
    with client.messages.create(**HELLO, stream=True) as stream:
        next(stream)
