"""Runs all scenarios with whichever major of the openai client is on the path.

    python -m tests.exporters.instrumentation.openai.running URL instrumented|plain

It prints JSON: by name of the scenario, what the caller saw and what the agent recorded. It needs
nothing but the client and pulseguard.
"""

import asyncio
import contextlib
import gc
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai

import pulseguard
from pulseguard.catalog import (
    CALLS_IN_PROGRESS,
    CALLS_WITHOUT_USAGE,
    CONTEXT_TOKENS,
    ERRORS,
    EXPORTER_FAILURES,
    OPERATION_DURATION,
    RETRIES,
    TIME_PER_OUTPUT_TOKEN,
    TIME_TO_FIRST_CHUNK,
    TOKENS,
)
from tests.exporters.instrumentation.openai.scenarios import (
    CHUNKS_READ,
    FATES_OF_STREAMS,
    Scenario,
    arguments,
    method,
    scenarios,
)


def picture(value: Any) -> Any:
    """What the caller can see of it, without the times and ids of this very request."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, openai.BaseModel):
        fields = value.to_dict(mode="json", warnings=False)
        return [kind, _timeless(fields)]
    if isinstance(value, BaseException):
        return [kind, str(value)]
    return [kind]


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _timeless(v) for k, v in value.items() if k not in ("created", "created_at")}
    return [_timeless(each) for each in value] if isinstance(value, list) else value


def run_sync(client: Any, scenario: Scenario, seen: list[Any], who: str) -> None:
    with contextlib.ExitStack() as opened:
        answer = method(client, scenario)(**arguments(scenario, who))
        if hasattr(answer, "__enter__") and not isinstance(answer, openai.Stream):
            answer = opened.enter_context(answer)
        if hasattr(answer, "http_response"):
            seen.append([type(answer).__qualname__, answer.status_code])
            answer = answer.parse()
        seen.append(picture(answer))
        if scenario.streams and scenario.fate != "never_read":
            for chunk in answer:
                if scenario.fate in FATES_OF_STREAMS and len(seen) > CHUNKS_READ:
                    break
                seen.append(picture(chunk))
        if scenario.fate == "closed":
            answer.close()


async def run_async(client: Any, scenario: Scenario, seen: list[Any], who: str) -> None:
    async with contextlib.AsyncExitStack() as opened:
        answer = method(client, scenario)(**arguments(scenario, who))
        if hasattr(answer, "__aenter__"):
            answer = await opened.enter_async_context(answer)
        else:
            answer = await answer
        if hasattr(answer, "http_response"):
            seen.append([type(answer).__qualname__, answer.status_code])
            answer = answer.parse()
            answer = await answer if asyncio.iscoroutine(answer) else answer
        seen.append(picture(answer))
        if scenario.streams and scenario.fate != "never_read":
            async for chunk in answer:
                enough = len(seen) > CHUNKS_READ
                if enough and scenario.fate in FATES_OF_STREAMS:
                    break
                if enough and scenario.fate == "cancelled":
                    cancel_this_task()
                else:
                    seen.append(picture(chunk))
        if scenario.fate == "closed":
            await answer.close()


def cancel_this_task() -> None:
    task = asyncio.current_task()
    if task is not None and not task.cancelling():
        task.cancel()


async def cancelled(client: Any, scenario: Scenario, seen: list[Any], who: str) -> None:
    """A stream is cancelled after some chunks, any other call before its answer."""
    running = run_async(client, scenario, seen, who)
    if scenario.streams:
        await running
        # A cancellation is seen at the next wait, and what has arrived needs none.
        await asyncio.sleep(0)
    else:
        await asyncio.wait_for(running, 0.5)


def numbers(agent: pulseguard.Agent) -> dict[str, Any]:
    """What the agent has recorded."""
    readings: Any = agent._recorder.series.read()[1]
    durations = readings[OPERATION_DURATION.name]
    return {
        "names": sorted({"/".join(labels[:3]) for labels, _ in durations}),
        "calls": sum(sum(reading.counts) for _, reading in durations),
        "seconds": sum(reading.total for _, reading in durations),
        "in_progress": readings[CALLS_IN_PROGRESS.name][0][1],
        "tokens": {labels[2]: n for labels, n in readings[TOKENS.name] if n},
        "errors": {labels[0]: n for labels, n in readings[ERRORS.name] if n},
        "retries": {labels[0]: n for labels, n in readings[RETRIES.name] if n},
        "without_usage": sum(n for _, n in readings[CALLS_WITHOUT_USAGE.name]),
        "first_chunks": _count(readings[TIME_TO_FIRST_CHUNK.name]),
        "first_chunk_seconds": sum(r.total for _, r in readings[TIME_TO_FIRST_CHUNK.name]),
        "paces": _count(readings[TIME_PER_OUTPUT_TOKEN.name]),
        "context": [n for _, n in readings[CONTEXT_TOKENS.name]],
        "failures": {labels[0]: n for labels, n in readings[EXPORTER_FAILURES.name]},
    }


def _count(histograms: Any) -> int:
    return sum(sum(reading.counts) for _, reading in histograms)


class Run:
    """All scenarios, each with an agent of its own: the one whose task is open around it."""

    def __init__(self, url: str, who: str) -> None:
        self.url = url
        self.who = who
        self.seen: dict[str, list[Any]] = {each.name: [] for each in scenarios()}
        self.seconds: dict[str, float] = {}
        self.agents = {each.name: pulseguard.Agent(each.name) for each in scenarios()}

    @contextlib.contextmanager
    def timed(self, scenario: Scenario) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[scenario.name] = time.perf_counter() - began

    def sync_scenario(self, client: Any, scenario: Scenario) -> None:
        seen = self.seen[scenario.name]
        with self.agents[scenario.name].task(), self.timed(scenario):
            try:
                run_sync(client, scenario, seen, self.who)
            except Exception as error:  # the client lets those of its HTTP library through, too
                seen.append(picture(error))

    async def async_scenario(self, client: Any, scenario: Scenario) -> None:
        seen = self.seen[scenario.name]
        with self.agents[scenario.name].task(), self.timed(scenario):
            run = cancelled if scenario.fate == "cancelled" else run_async
            try:
                await run(client, scenario, seen, self.who)
            except (Exception, asyncio.CancelledError) as error:
                seen.append(picture(error))

    async def all(self) -> dict[str, Any]:
        given: Any = {"base_url": self.url, "api_key": "none"}
        with openai.OpenAI(**given) as client, ThreadPoolExecutor(24) as threads:
            sync = [each for each in scenarios() if each.mode == "sync"]
            for _ in threads.map(lambda each: self.sync_scenario(client, each), sync):
                pass
        gc.collect()
        async with openai.AsyncOpenAI(**given) as async_client:
            waiting = [each for each in scenarios() if each.mode == "async"]
            for some in (waiting[n : n + 40] for n in range(0, len(waiting), 40)):
                tasks = [asyncio.create_task(self.async_scenario(async_client, o)) for o in some]
                await asyncio.gather(*tasks)
                del tasks
            gc.collect()
            await asyncio.sleep(0)
        return {
            name: {
                "seen": seen,
                "seconds": self.seconds[name],
                "recorded": numbers(self.agents[name]),
            }
            for name, seen in self.seen.items()
        }


if __name__ == "__main__":
    # By hand, between the calls: else httpcore locks itself up when a collection within one of its
    # calls closes an abandoned stream, without us as well.
    gc.disable()
    if sys.argv[2] == "instrumented":
        pulseguard.instrument("openai", ask_usage="always", strict=True)
    found = asyncio.run(Run(sys.argv[1], sys.argv[2]).all())
    sys.stdout.write(json.dumps({"version": openai.__version__, "scenarios": found}))
