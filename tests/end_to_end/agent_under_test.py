"""An agent that calls a model server with the real client, well and badly; a process of its own.

Usage: agent_under_test.py MODEL_SERVER_URL. Each line `calls N SEED` on standard input is answered
by `done MS` when N model calls have been made; MS is the mean time, of all so far, that the client
took before it sent anything. The end of input stops the agent.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count, islice
from typing import Any

from openai import DefaultHttpxClient, OpenAI, OpenAIError
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from opentelemetry.sdk.trace import TracerProvider

from pulseguard import Agent, LlmCall

LONG_PROMPT = "The terms of service, as everybody must know them. " * 150
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "search",
            "parameters": {"type": "object", "properties": {"query": {"type": "string"}}},
        },
    }
]
WINDOW = 128_000
TRACER = TracerProvider().get_tracer("agent-under-test")


class Caller:
    """Makes model calls of many kinds, each measured by hand as the README shows it."""

    def __init__(self, agent: Agent, url: str) -> None:
        self._agent = agent
        http = DefaultHttpxClient(event_hooks={"request": [self._send]})
        self._client = OpenAI(
            base_url=f"{url}/v1", api_key="any", max_retries=2, timeout=10, http_client=http
        )
        self._begun: dict[str, float] = {}
        self.preparing_seconds: list[float] = []
        self._numbers = count()
        self._url = url

    def kinds(self) -> list[Callable[[], int]]:
        """Every kind of work; each returns how many model calls it made.

        Rare are those after which the client waits, for a second and more, to ask again.
        """
        rare: list[Callable[[], int]] = [
            lambda: self.plain(simulate="timeout"),
            lambda: self.plain(simulate="timeout*1"),
            lambda: self.plain(simulate="cut"),
        ]
        often: list[Callable[[], int]] = [
            self.plain,
            self.streamed,
            self.with_tools,
            self.from_the_cache,
            self.reasoning,
            lambda: self.streamed(stop_after=5),
            lambda: self.streamed(simulate="cut"),
            lambda: self.plain(simulate="429*1"),
            lambda: self.plain(simulate="500*2"),
            lambda: self.plain(simulate="429"),
            lambda: self.plain(simulate="500"),
            lambda: self.plain(simulate="401"),
            lambda: self.plain(simulate="400-context"),
            lambda: self.plain(simulate="400-content-filter"),
            lambda: self.plain(model="no-such-model"),
        ]
        return [*rare, *often, *often, *often]

    def look_around(self) -> None:
        """Outbound calls that are no model calls."""
        with self._agent.api_call("127.0.0.1") as call:
            self._client.models.list()
            call.status(200)

    def plain(self, *, model: str = "gpt-4o", simulate: str = "ok") -> int:
        """A question with a known answer, graded by the agent itself, in a trace of its own."""
        with (
            suppress(OpenAIError),
            TRACER.start_as_current_span("question"),
            self._agent.task(),
        ):
            answer = self._complete(
                model,
                [{"role": "user", "content": "What is 17 + 25?"}],
                simulate=simulate,
                logprobs=True,
            )
            said = answer.choices[0]
            self._agent.evaluation("accuracy", float("42" in (said.message.content or "")))
            logprobs = said.logprobs and said.logprobs.content
            if logprobs:
                self._agent.evaluation(
                    "confidence", 2.718281828 ** min(t.logprob for t in logprobs)
                )
        return 1

    def streamed(self, *, simulate: str = "ok", stop_after: int | None = None) -> int:
        """A stream, read to its end or left half-way."""
        with suppress(OpenAIError), self._agent.llm_call("openai", "gpt-4o-mini") as call:
            stream = self._client.chat.completions.create(
                model="gpt-4o-mini",
                messages=[{"role": "user", "content": "Tell me a long story about a lighthouse."}],
                stream=True,
                stream_options={"include_usage": True},
                max_tokens=60,
                extra_headers=self._headers(simulate),
            )
            with stream:
                read(call, islice(stream, stop_after))
        return 1

    def with_tools(self) -> int:
        """The model asks for a tool, the agent uses it, the model answers."""
        messages: list[Any] = [{"role": "user", "content": "Search for the lighthouse."}]
        with self._agent.task():
            asked = self._complete("gpt-4o", messages, tools=TOOLS).choices[0].message
            messages.append(asked.model_dump(exclude_none=True))
            for wanted in asked.tool_calls or ():
                with self._agent.tool("search"):
                    found = {"role": "tool", "tool_call_id": wanted.id, "content": "found"}
                    messages.append(found)
            self._complete("gpt-4o", messages, tools=TOOLS)
        return 2

    def from_the_cache(self) -> int:
        """A long prompt, of which the server remembers the beginning."""
        self._complete("gpt-4o-mini", [{"role": "user", "content": LONG_PROMPT}], max_tokens=5)
        return 1

    def reasoning(self) -> int:
        """A model that thinks before it speaks."""
        self._complete("o4-mini", [{"role": "user", "content": "What is 6 x 7?"}])
        return 1

    def _complete(
        self, model: str, messages: list[Any], *, simulate: str = "ok", **settings: Any
    ) -> ChatCompletion:
        # After a time-out the real client waits longer and longer before it tries again.
        stalls = simulate.startswith("timeout")
        client = self._client.with_options(max_retries=1, timeout=0.4) if stalls else self._client
        with self._agent.llm_call(provider="openai", model=model) as call:
            answer = client.chat.completions.with_raw_response.create(
                model=model,
                messages=messages,
                extra_headers=self._headers(simulate),
                **settings,
            )
            call.retries(answer.retries_taken)
            completion: ChatCompletion = answer.parse()
            count_usage(call, completion)
        return completion

    def _headers(self, simulate: str) -> dict[str, str]:
        call = f"call-{next(self._numbers)}"
        self._begun[call] = time.perf_counter()
        return {"X-Call-Id": call, "X-Simulate": simulate}

    def _send(self, request: Any) -> None:  # Any: of whichever httpx the client is made with
        """What the client did until its first attempt left: of that no server can know."""
        begun = self._begun.pop(request.headers.get("X-Call-Id", ""), None)
        if begun is not None:
            self.preparing_seconds.append(time.perf_counter() - begun)


def read(call: LlmCall, chunks: Iterable[ChatCompletionChunk]) -> None:
    """Read a stream as an agent would."""
    for chunk in chunks:
        call.first_chunk()
        count_usage(call, chunk)


def count_usage(call: LlmCall, answer: ChatCompletion | ChatCompletionChunk) -> None:
    """Hand the provider's own count to the exporter."""
    usage = answer.usage
    if usage is None:
        return
    details, written = usage.prompt_tokens_details, usage.completion_tokens_details
    call.usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cache_read_tokens=details.cached_tokens if details else None,
        reasoning_tokens=written.reasoning_tokens if written else None,
    )
    call.context(window=WINDOW)


def make_calls(caller: Caller, wanted: int, seed: int) -> None:
    """Make exactly so many model calls of all kinds, two at a time."""
    kinds = caller.kinds()
    plan: list[Callable[[], int]] = []
    made = 0
    for number in count():
        kind = kinds[number % len(kinds)]
        size = 2 if kind == caller.with_tools else 1
        if made + size > wanted:
            break
        plan.append(kind)
        made += size
    plan += [caller.plain] * (wanted - made)
    random.Random(seed).shuffle(plan)
    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(lambda kind: kind(), plan)) == wanted


def main() -> None:
    """Do what standard input asks for."""
    with Agent(
        "agent-under-test",
        version="1.2.3",
        team="quality",
        type="TASK_AGENT",
        framework="none",
        config={"window": WINDOW},
    ) as agent:
        caller = Caller(agent, sys.argv[1])
        for line in sys.stdin:
            _, wanted, seed = line.split()
            caller.look_around()
            make_calls(caller, int(wanted), int(seed))
            preparing_ms = 1000 * sum(caller.preparing_seconds) / len(caller.preparing_seconds)
            sys.stdout.write(f"done {preparing_ms}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
