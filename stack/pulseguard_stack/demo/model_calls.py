"""Model calls with the real client, each measured by the agent that makes it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol, TypeVar

from openai import APIError, AsyncOpenAI, omit
from openai.types import CompletionUsage
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionFunctionToolParam,
    ChatCompletionMessage,
    ChatCompletionMessageParam,
    ChatCompletionTokenLogprob,
)

from pulseguard import Agent, LlmCall
from pulseguard_stack.model_server.models import Model

Messages = Sequence[ChatCompletionMessageParam]
Tools = Sequence[ChatCompletionFunctionToolParam]
Answer = TypeVar("Answer")
Answer_co = TypeVar("Answer_co", covariant=True)


@dataclass(frozen=True)
class Reply:
    """What the model said; `confidence` from 0 to 1, None where it gives no log probabilities."""

    message: ChatCompletionMessage
    confidence: float | None

    @property
    def text(self) -> str:
        """The text of the reply; empty where tools are called instead."""
        return self.message.content or ""


class ModelCalls:
    """Calls of a model by one agent.

    Two things are for the simulated server only: the headers that mark each call in its ledger, and
    `mishap`, which says of each call whether the server is asked to fail it, and how.
    """

    def __init__(
        self, agent: Agent, client: AsyncOpenAI, mark: str, mishap: Callable[[], str | None]
    ) -> None:
        self._agent = agent
        self._client = client
        self._mark = mark
        self._mishap = mishap
        self._numbers = count(1)

    def marked(self, mark: str) -> ModelCalls:
        """The same, with a further mark in the ids of the calls and without mishaps."""
        return ModelCalls(self._agent, self._client, f"{self._mark}-{mark}", lambda: None)

    async def complete(self, model: Model, messages: Messages, tools: Tools = ()) -> Reply:
        """One plain call; its failure is measured and raised (openai.OpenAIError)."""
        with self._agent.llm_call(provider="openai", model=model.name) as call:
            call.context(window=model.context_window)
            request = self._client.chat.completions.with_raw_response.create(
                model=model.name,
                messages=messages,
                tools=tools or omit,
                logprobs=omit if model.reasons else True,
                reasoning_effort="low" if model.reasons else omit,
                extra_headers=self._headers(),
            )
            completion: ChatCompletion = await answered(call, request)
            count_usage(call, completion.usage)
        choice = completion.choices[0]
        tokens = choice.logprobs.content if choice.logprobs else None
        return Reply(choice.message, confidence(tokens or ()))

    async def stream(self, model: Model, messages: Messages) -> Reply:
        """One streamed call, read to its end; its failure is measured and raised."""
        text: list[str] = []
        tokens: list[ChatCompletionTokenLogprob] = []
        with self._agent.llm_call(provider="openai", model=model.name) as call:
            call.context(window=model.context_window)
            request = self._client.chat.completions.with_raw_response.create(
                model=model.name,
                messages=messages,
                stream=True,
                stream_options={"include_usage": True},
                logprobs=omit if model.reasons else True,
                reasoning_effort="low" if model.reasons else omit,
                extra_headers=self._headers(),
            )
            async with await answered(call, request) as chunks:
                async for chunk in chunks:
                    call.first_chunk()
                    count_usage(call, chunk.usage)
                    for choice in chunk.choices:
                        text.append(choice.delta.content or "")
                        tokens += (choice.logprobs and choice.logprobs.content) or ()
        message = ChatCompletionMessage(role="assistant", content="".join(text))
        return Reply(message, confidence(tokens))

    async def look_up(self, model_name: str) -> None:
        """Makes sure that the provider has a model: an outbound call, but no model call."""
        with self._agent.api_call(self._client.base_url.host) as call:
            answer = await self._client.models.with_raw_response.retrieve(model_name)
            call.status(answer.status_code)

    def _headers(self) -> dict[str, str]:
        headers = {"X-Agent": self._agent.name, "X-Call-Id": f"{self._mark}-{next(self._numbers)}"}
        mishap = self._mishap()
        return {**headers, "X-Simulate": mishap} if mishap else headers


class RawAnswer(Protocol[Answer_co]):
    """What the client's `with_raw_response` gives."""

    @property
    def retries_taken(self) -> int:
        """How often the client repeated the request by itself."""

    def parse(self) -> Answer_co:
        """The answer itself."""


async def answered(call: LlmCall, request: Awaitable[RawAnswer[Answer]]) -> Answer:
    """The answer to a request; the client's own retries are counted, also those in vain."""
    try:
        raw = await request
    except APIError as error:
        # An exception knows its last attempt, and the client numbers them.
        call.retries(int(error.request.headers.get("x-stainless-retry-count", 0)))
        raise
    call.retries(raw.retries_taken)
    return raw.parse()


def count_usage(call: LlmCall, usage: CompletionUsage | None) -> None:
    """Hands the provider's own count to the exporter; a stream brings it with its last chunk."""
    if usage is None:
        return
    read, written = usage.prompt_tokens_details, usage.completion_tokens_details
    call.usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cache_read_tokens=read.cached_tokens if read else None,
        reasoning_tokens=written.reasoning_tokens if written else None,
    )


def confidence(tokens: Iterable[ChatCompletionTokenLogprob]) -> float | None:
    """The probability of the least likely token: a short answer is as sure as its weakest word."""
    logprobs = [token.logprob for token in tokens]
    return math.exp(min(logprobs)) if logprobs else None
