"""Every way of asking the asynchronous client, and every way of leaving its answer."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from anthropic import AsyncAnthropic, beta_async_tool

from tests.exporters.instrumentation.anthropic.asking import ASKED, asked, cached
from tests.exporters.instrumentation.anthropic.seeing import Seen, attempted_async, shown
from tests.exporters.instrumentation.anthropic.sync_ways import Messages, Weather

Way = Callable[[Messages, dict[str, Any], Seen], Awaitable[None]]


async def create(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    seen.append(shown(await messages.create(**parameters)))


async def events(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    stream = await messages.create(**parameters, stream=True)
    seen.append([type(stream).__qualname__, stream.response.status_code])
    async for event in stream:
        seen.append(shown(event))


async def helper(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    async with messages.stream(**parameters) as stream:
        seen.append(type(stream).__qualname__)
        async for event in stream:
            seen.append(shown(event))
        seen.append(shown(await stream.get_final_message()))


async def texts(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    async with messages.stream(**parameters) as stream:
        seen += [text async for text in stream.text_stream]
        seen.append(await stream.get_final_text())


async def parse(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    answer = await messages.parse(**parameters, output_format=Weather)
    seen += [shown(answer), shown(answer.parsed_output)]


async def raw_whole(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    answer = await messages.with_raw_response.create(**parameters)
    seen += [type(answer).__qualname__, answer.status_code, shown(await answer.parse())]


async def raw_events(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    answer = await messages.with_raw_response.create(**parameters, stream=True)
    async for event in await answer.parse():
        seen.append(shown(event))


async def streamed_whole(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    async with messages.with_streaming_response.create(**parameters) as answer:
        seen += [type(answer).__qualname__, shown(await answer.parse())]


async def tool_runner(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    @beta_async_tool
    async def search(query: str) -> str:
        """Search for something."""
        return f"found {query}"

    async for answer in messages.tool_runner(**parameters, tools=[search]):
        seen.append(shown(answer))


async def closed(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    stream = await messages.create(**parameters, stream=True)
    seen += [shown(await anext(stream)), shown(await anext(stream))]
    await stream.close()


async def left(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    async with messages.stream(**parameters) as stream:
        seen += [shown(await anext(stream)), shown(await anext(stream))]


async def unread_closed(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    await (await messages.create(**parameters, stream=True)).close()


async def unread_left(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    async with messages.stream(**parameters) as stream:
        seen.append(type(stream).__qualname__)


async def cancelled(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    async with asyncio.timeout(0.05):
        await create(messages, parameters, seen)


async def cancelled_events(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    begun = asyncio.Event()
    task = asyncio.create_task(_read_one_then_wait(messages, parameters, seen, begun))
    await begun.wait()
    task.cancel()
    await task


async def cancelled_stream(messages: Messages, parameters: dict[str, Any], seen: Seen) -> None:
    task: asyncio.Task[Any] | None = asyncio.current_task()
    assert task is not None
    async with messages.stream(**parameters) as stream:
        seen.append(shown(await anext(stream)))
        task.cancel()
        # How many events are there already is a matter of chance.
        await stream.until_done()


async def _read_one_then_wait(
    messages: Messages, parameters: dict[str, Any], seen: Seen, begun: asyncio.Event
) -> None:
    async with await messages.create(**parameters, stream=True) as stream:
        seen.append(shown(await anext(stream)))
        begun.set()
        await asyncio.sleep(5)


WHOLE: dict[str, Way] = {"create": create, "events": events, "stream": helper}
BETA: dict[str, Way] = {**WHOLE, "parse": parse, "tool runner": tool_runner}
RAW: dict[str, Way] = {"raw": raw_whole, "raw events": raw_events, "streamed": streamed_whole}
OTHERS: dict[str, Way] = {**RAW, "parse": parse, "texts": texts}
LEAVING: dict[str, Way] = {
    "closed": closed,
    "left": left,
    "unread closed": unread_closed,
    "unread left": unread_left,
    "cancelled": cancelled,
    "cancelled events": cancelled_events,
    "cancelled stream": cancelled_stream,
}


def async_scenarios(quick: str, slow: str, runner: asyncio.Runner) -> dict[str, Callable[[], Seen]]:
    """By name; answers of the server at `slow` take long enough to be left half-way."""
    client = AsyncAnthropic(base_url=quick, api_key="none", max_retries=0, timeout=5)
    found: dict[str, Callable[[], Seen]] = {}

    def add(scenario: str, run: Way, messages: Messages, *calls: dict[str, Any]) -> None:
        wanted = list(calls) or [asked("ok", scenario)]
        found[scenario] = partial(_run, runner, run, messages, wanted)

    for way, run in WHOLE.items():
        for name, (_, _, retries) in ASKED.items():
            scenario = f"async {way}: {name}"
            messages = client.with_options(max_retries=retries).messages
            add(scenario, run, messages, asked(name, scenario))
        scenario = f"async {way}: cached"
        add(scenario, run, client.messages, cached(scenario, 0), cached(scenario, 1))
    for way, run in BETA.items():
        add(f"async beta {way}: ok", run, client.beta.messages)
    for way, run in OTHERS.items():
        add(f"async {way}: ok", run, client.messages)
    for way, run in RAW.items():
        scenario = f"async {way}: cut"
        add(scenario, run, client.messages, asked("cut", scenario))
    patient = AsyncAnthropic(base_url=slow, api_key="none", max_retries=0, timeout=5)
    for way, run in LEAVING.items():
        add(f"async {way}: left", run, patient.messages)
    return found


def _run(runner: asyncio.Runner, run: Way, messages: Messages, calls: list[dict[str, Any]]) -> Seen:
    async def main() -> Seen:
        seen: Seen = []
        for parameters in calls:
            await attempted_async(seen, partial(run, messages, parameters))
        return seen

    seen = runner.run(main())
    if run in LEAVING.values():
        gc.collect()
    return seen
