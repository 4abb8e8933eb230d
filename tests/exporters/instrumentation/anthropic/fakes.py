"""Answers of Anthropic without a server: what the simulated one does not do."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import httpx2
from anthropic import Anthropic, AsyncAnthropic

HELLO: dict[str, Any] = {
    "model": "claude-sonnet-5",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hello."}],
}
USAGE: dict[str, Any] = {"input_tokens": 9, "output_tokens": 28}
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5",
    "content": [{"type": "text", "text": "Hello."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": USAGE,
}


def start(**usage: Any) -> dict[str, Any]:
    """The event that begins a stream."""
    message = {**MESSAGE, "content": [], "stop_reason": None, "usage": usage}
    return {"type": "message_start", "message": message}


def delta(stop_reason: str | None, **usage: Any) -> dict[str, Any]:
    """An event that tells totals so far."""
    ending = {"stop_reason": stop_reason, "stop_sequence": None}
    return {"type": "message_delta", "delta": ending, "usage": usage}


STOP: dict[str, Any] = {"type": "message_stop"}


def transport(status: int, body: Any) -> httpx2.Client:
    """An HTTP client whose server always answers this: events for a list, else one object."""
    return httpx2.Client(transport=_server(status, body))


def claude(status: int, body: Any) -> Anthropic:
    """A client whose server always answers this."""
    return Anthropic(api_key="none", max_retries=0, http_client=transport(status, body))


def async_claude(status: int, body: Any) -> AsyncAnthropic:
    """The same, asynchronous."""
    client = httpx2.AsyncClient(transport=_server(status, body))
    return AsyncAnthropic(api_key="none", max_retries=0, http_client=client)


def _server(status: int, body: Any) -> httpx2.MockTransport:
    streamed = isinstance(body, list)
    kind = "text/event-stream" if streamed else "application/json"
    text = _lines(body) if streamed else json.dumps(body)

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, headers={"content-type": kind}, text=text)

    return httpx2.MockTransport(answer)


def _lines(events: Iterable[dict[str, Any]]) -> str:
    return "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in events)
