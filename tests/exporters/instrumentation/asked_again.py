"""Calls that the clients repeat by themselves, with whichever majors are on the path.

    python -m tests.exporters.instrumentation.asked_again URL

It prints JSON: the majors, and by name of the call what was counted for it.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import anthropic
import openai

import pulseguard
from pulseguard.catalog import ERRORS, EXPORTER_FAILURES, OPERATION_DURATION, RETRIES

ENDPOINTS = ("chat", "responses", "embeddings", "messages")
WAYS = ("plain", "streamed", "raw", "streaming_response")
# What the server does to the first attempts, and how often the client may ask again.
FAULTS = {
    "limited": ("429*1", 1),
    "overloaded": ("500*2", 2),
    "stalled": ("timeout*1", 1),
    "in_vain": ("429", 1),
    "at_once": ("ok", 2),
}


class Call(NamedTuple):
    """One call of a model, by the name that the ledger has it under."""

    mode: str
    endpoint: str
    way: str
    fault: str

    @property
    def name(self) -> str:
        return "-".join(self)


def calls() -> Iterator[Call]:
    """All that there are: no stream of embeddings."""
    for call in map(Call._make, product(("sync", "async"), ENDPOINTS, WAYS, FAULTS)):
        if (call.endpoint, call.way) != ("embeddings", "streamed"):
            yield call


def arguments(call: Call) -> dict[str, Any]:
    fault, _ = FAULTS[call.fault]
    headers = {"X-Call-Id": call.name, "X-Simulate": fault}
    asked: dict[str, Any] = {"extra_headers": headers, "model": "gpt-4o", "timeout": 20}
    if call.fault == "stalled":
        asked["timeout"] = 1.0
    if call.way == "streamed":
        asked["stream"] = True
    said = [{"role": "user", "content": "Tell me something."}]
    own: dict[str, dict[str, Any]] = {
        "chat": {"messages": said},
        "responses": {"input": "Tell me something."},
        "embeddings": {"input": "A boat.", "model": "text-embedding-3-small"},
        "messages": {"messages": said, "max_tokens": 10, "model": "claude-sonnet-5"},
    }
    return asked | own[call.endpoint]


def method(client: Any, call: Call) -> Any:
    client = client.with_options(max_retries=FAULTS[call.fault][1])
    resource = (
        client.chat.completions if call.endpoint == "chat" else getattr(client, call.endpoint)
    )
    if call.way in ("raw", "streaming_response"):
        resource = getattr(resource, f"with_{call.way.removesuffix('_response')}_response")
    return resource.create


def run_sync(clients: dict[str, Any], call: Call) -> None:
    with contextlib.suppress(openai.OpenAIError, anthropic.AnthropicError), ExitStack() as opened:
        answer = method(clients[call.endpoint], call)(**arguments(call))
        if call.way == "streaming_response":
            opened.enter_context(answer).read()
        elif call.way == "streamed":
            list(answer)


async def run_async(clients: dict[str, Any], call: Call) -> None:
    failures = contextlib.suppress(openai.OpenAIError, anthropic.AnthropicError)
    with failures:
        async with AsyncExitStack() as opened:
            answer = method(clients[call.endpoint], call)(**arguments(call))
            if call.way == "streaming_response":
                await (await opened.enter_async_context(answer)).read()
            elif call.way == "streamed":
                [chunk async for chunk in await answer]
            else:
                await answer


def counted(agent: pulseguard.Agent) -> dict[str, Any]:
    """What the agent has recorded of it."""
    readings: Any = agent._recorder.series.read()[1]
    return {
        "calls": sum(sum(found.counts) for _, found in readings[OPERATION_DURATION.name]),
        "retries": {labels[0]: n for labels, n in readings[RETRIES.name] if n},
        "errors": {labels[0]: n for labels, n in readings[ERRORS.name] if n},
        "failures": {labels[0]: n for labels, n in readings[EXPORTER_FAILURES.name] if n},
    }


def clients(url: str, of_openai: Any, of_anthropic: Any) -> dict[str, Any]:
    """The client of each endpoint."""
    chat = of_openai(base_url=f"{url}/v1", api_key="none")
    found = dict.fromkeys(("chat", "responses", "embeddings"), chat)
    return {**found, "messages": of_anthropic(base_url=url, api_key="none")}


def ask_one(asked: dict[str, Any], agents: dict[str, pulseguard.Agent], call: Call) -> None:
    with agents[call.name].task():
        run_sync(asked, call)


async def ask_all(url: str, agents: dict[str, pulseguard.Agent]) -> None:
    asked = clients(url, openai.AsyncOpenAI, anthropic.AsyncAnthropic)

    async def ask(call: Call) -> None:
        with agents[call.name].task():
            await run_async(asked, call)

    waiting = [call for call in calls() if call.mode == "async"]
    await asyncio.gather(*map(ask, waiting))
    for client in set(asked.values()):
        await client.close()


def main(url: str) -> None:
    pulseguard.instrument("openai", "anthropic", strict=True)
    agents = {call.name: pulseguard.Agent(call.name) for call in calls()}
    asked = clients(url, openai.OpenAI, anthropic.Anthropic)
    ask = partial(ask_one, asked, agents)
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(ask, [call for call in calls() if call.mode == "sync"]))
    asyncio.run(ask_all(url, agents))
    told = {
        "majors": [openai.__version__.split(".")[0], anthropic.__version__.split(".")[0]],
        "counted": {name: counted(agent) for name, agent in agents.items()},
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
