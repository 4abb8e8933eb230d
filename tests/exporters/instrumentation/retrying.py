"""Clients whose server fails them first, and what an agent has counted of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import openai

from pulseguard import Agent
from pulseguard.catalog import ERROR_TYPES, RETRIES
from tests.exporters.instrumentation.anthropic.fakes import MESSAGE
from tests.exporters.observing import scrape, total

ANSWER: dict[str, Any] = {
    "object": "list",
    "model": "m",
    "data": [],
    "usage": {"prompt_tokens": 1},
}
Server = Callable[[httpx2.Request], httpx2.Response]


def unreachable(error: Exception) -> Server:
    """A server that is reached at the second attempt only."""
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        if len(seen) == 1:
            raise error
        return httpx2.Response(200, json=_answer_to(request))

    return answer


def answering(*statuses: int) -> Server:
    """A server that answers with these, and then well."""
    left = list(statuses)

    def answer(request: httpx2.Request) -> httpx2.Response:
        status = left.pop(0) if left else 200
        soon = {"retry-after-ms": "1", "x-should-retry": "true" if status >= 300 else "false"}
        return httpx2.Response(status, json=_answer_to(request), headers=soon)

    return answer


def _answer_to(request: httpx2.Request) -> dict[str, Any]:
    return MESSAGE if "messages" in request.url.path else ANSWER


def of_openai(server: Server, max_retries: int = 2) -> openai.OpenAI:
    http = httpx2.Client(transport=httpx2.MockTransport(server))
    return openai.OpenAI(api_key="none", http_client=http, max_retries=max_retries)


def of_anthropic(server: Server) -> anthropic.Anthropic:
    http = httpx2.Client(transport=httpx2.MockTransport(server))
    return anthropic.Anthropic(api_key="none", http_client=http)


def embed(client: openai.OpenAI, **more: Any) -> None:
    client.embeddings.create(model="m", input="A boat.", encoding_format="float", **more)


def retries(agent: Agent) -> dict[str, float]:
    text = scrape(agent)
    found = {reason: total(text, RETRIES, reason=reason) for reason in ERROR_TYPES}
    return {reason: times for reason, times in found.items() if times}
