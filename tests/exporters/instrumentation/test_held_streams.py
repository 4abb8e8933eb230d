"""A stream that somebody still holds when the agent ends: counted then, and never again."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
import weakref
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from pulseguard import Agent
from pulseguard.catalog import CALLS_IN_PROGRESS, EXPORTER_FAILURES, OPERATION_DURATION, TOKENS
from pulseguard.instrumentation.measured import MeasuredCall, Meter
from pulseguard.instrumentation.streams import MeasuredAsyncIterator, MeasuredIterator
from pulseguard.recording.usage import Usage
from tests.exporters.conftest import MakeAgent
from tests.exporters.ending import Processes, run_agent
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.observing import scrape, total

CALLS = f"{OPERATION_DURATION.name}_count"
SECONDS = f"{OPERATION_DURATION.name}_sum"


@pytest.fixture
def agent(make_agent: MakeAgent, registry: FakeRegistry) -> Agent:
    # Not strict, so that a failure would be counted: a call that ends twice is one.
    made = make_agent(strict=False, registry_url=registry.url, snapshot_seconds=60)
    made.start()
    return made


def begun(agent: Agent) -> MeasuredCall:
    meter = Meter("a library")
    meter.active, meter.agent = True, agent
    call = meter.begin(lambda: ("chat", "somebody", "a-model"))
    assert call is not None
    return call


def see(call: MeasuredCall, chunk: int) -> bool:
    call.usage = Usage(input=10, output=chunk)
    return True


def opened(agent: Agent, chunks: Iterator[int]) -> MeasuredIterator[int]:
    return MeasuredIterator(chunks, begun(agent), see)


def counted(agent: Agent) -> tuple[float, ...]:
    """Calls, those in progress, tokens and failures, as the agent shows them when it is back."""
    agent.start()
    text = scrape(agent)
    names = (CALLS, CALLS_IN_PROGRESS, TOKENS, EXPORTER_FAILURES)
    return tuple(total(text, name) for name in names)


def test_a_stream_that_is_held_when_the_agent_stops_is_in_its_last_snapshot(
    agent: Agent, registry: FakeRegistry
) -> None:
    stream = opened(agent, iter([1, 2, 3]))
    next(stream)

    agent.stop()

    assert registry.total("model_calls") == 1
    assert registry.total("tokens_processed") == 11
    assert next(stream) == 2


def test_a_stream_that_is_read_on_after_the_stop_is_not_counted_again(agent: Agent) -> None:
    read, closed, collected = (opened(agent, iter([1, 2, 3])) for _ in range(3))
    for stream in (read, closed, collected):
        next(stream)

    agent.stop()
    rest = list(read)
    closed.call.end(GeneratorExit())
    del collected, stream
    gc.collect()
    agent.stop()

    assert rest == [2, 3]
    assert counted(agent) == (3, 0, 33, 0)


def test_a_stream_that_has_ended_before_the_stop_is_not_counted_again(agent: Agent) -> None:
    stream = opened(agent, iter([1]))
    assert list(stream) == [1]

    agent.stop()

    assert counted(agent) == (1, 0, 11, 0)


def test_an_asynchronous_stream_is_counted_in_the_same_way(agent: Agent) -> None:
    async def chunks() -> AsyncIterator[int]:
        yield 1
        yield 2

    async def read() -> list[int]:
        stream = MeasuredAsyncIterator(chunks(), begun(agent), see)
        found = [await anext(stream)]
        agent.stop()
        return [*found, *[chunk async for chunk in stream]]

    assert asyncio.run(read()) == [1, 2]
    assert counted(agent) == (1, 0, 11, 0)


def test_a_held_stream_lasted_until_its_last_chunk(agent: Agent) -> None:
    stream = opened(agent, iter([1, 2, 3]))
    next(stream)
    time.sleep(0.2)

    agent.stop()
    agent.start()

    assert total(scrape(agent), SECONDS) < 0.1


def test_a_call_without_an_answer_is_counted_when_it_ends_and_not_before(agent: Agent) -> None:
    call = begun(agent)

    agent.stop()
    before = counted(agent)
    call.end()

    assert before == (0, 1, 0, 0)
    assert counted(agent) == (1, 0, 0, 0)


def test_no_stream_is_kept_alive_and_nothing_is_left_of_those_that_have_gone(
    agent: Agent,
) -> None:
    stream = opened(agent, iter([1, 2]))
    seen = weakref.ref(stream)
    next(stream)

    del stream
    gc.collect()

    assert seen() is None
    assert agent._recorder.calls._unread == set()


def test_streams_that_begin_and_end_meanwhile_keep_no_agent_from_stopping(agent: Agent) -> None:
    over, held = threading.Event(), [opened(agent, iter([1])) for _ in range(500)]

    def read() -> None:
        while not over.is_set():
            for _ in opened(agent, iter([1, 2])):
                pass

    readers = [threading.Thread(target=read) for _ in range(3)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for reader in readers:
            reader.start()
        for _ in range(100):
            agent._recorder.drain(failed=False)
    finally:
        over.set()
        for reader in readers:
            reader.join()
        sys.setswitchinterval(interval)

    agent.stop()
    del held
    _, in_progress, _, failures = counted(agent)
    assert (in_progress, failures) == (0, 0)


HELD = """
from pulseguard.instrumentation.measured import Meter
from pulseguard.instrumentation.streams import MeasuredIterator
meter = Meter("a library")
meter.active = True
call = meter.begin(lambda: ("chat", "somebody", "a-model"))
stream = MeasuredIterator(iter([1, 2, 3]), call, lambda call, chunk: True)
del call
next(stream)
"""
ENDS = {
    "the end of the program": "",
    "an exit": "sys.exit()",
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM); time.sleep(9)",
    "an exception": "raise RuntimeError('the agent fails')",
    "the end of a forked child, and its own": "os.fork() and os.wait()",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_stream_that_is_held_when_the_process_ends_is_counted_once(
    registry: FakeRegistry, processes: Processes, tmp_path: Path, end: str
) -> None:
    process = run_agent(processes, registry.url, tmp_path, HELD + end)

    process.wait(10)

    assert registry.total("model_calls") == 1
