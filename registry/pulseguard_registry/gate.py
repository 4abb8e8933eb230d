"""What every request passes first: an id, the size limit, readiness, the clock, a last resort.

One plain ASGI middleware rather than several: it stands before the hot path too.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pulseguard_registry import API_PREFIX
from pulseguard_registry.database import overdue
from pulseguard_registry.logs import log_answer, request_in_hand
from pulseguard_registry.problems import (
    PROBLEM,
    REQUEST_ID,
    Problem,
    problem_response,
    unavailable,
)
from pulseguard_registry.refusals import RefusalLog

BODY_LIMIT_BYTES = 1_048_576
# Two thousand rules at once, each with its annotations.
LARGE_BODIES = {f"{API_PREFIX}/rule-groups/apply": 4 * BODY_LIMIT_BYTES}
# Answered while the database is away: liveness, readiness, the registry's own metrics, what
# discovery doubts, and what to do when the database is away.
ALWAYS_OPEN = frozenset(
    {
        f"{API_PREFIX}/health",
        f"{API_PREFIX}/health/ready",
        f"{API_PREFIX}/discovery/state",
        "/metrics",
        "/runbooks",
    }
)

log = logging.getLogger("pulseguard.registry")

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

Trouble = Callable[[], str | None]
Observe = Callable[[str, str, int, float], None]


class Gate:
    """Wraps the application; `trouble` says why the database cannot be used, or None.

    `observe` gets method, route template, status code and duration in seconds of each request,
    `refusals` those that are answered 4xx.
    """

    def __init__(
        self, app: ASGIApp, *, trouble: Trouble, observe: Observe, refusals: RefusalLog
    ) -> None:
        self._app = app
        self._trouble = trouble
        self._observe = observe
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request_id = scope[REQUEST_ID] = _request_id(headers)
        token = request_in_hand.set(request_id)
        try:
            await self._serve(scope, receive, send, headers, request_id)
        finally:
            request_in_hand.reset(token)

    async def _serve(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: dict[bytes, bytes],
        request_id: str,
    ) -> None:
        started = time.perf_counter()
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        try:
            try:
                limit = LARGE_BODIES.get(scope["path"], BODY_LIMIT_BYTES)
                self._refuse(scope["path"], headers, limit)
                receive = await _buffered(headers, receive, limit)
                scope[overdue.DUE] = time.monotonic() + overdue.ANSWER_SECONDS
            except Problem as problem:
                await problem_response(problem, scope)(scope, receive, send_with_id)
                return
            await self._app(scope, receive, send_with_id)
        except Exception:  # the one place: a defect of ours is a problem document and a log line
            log.exception("a request failed: %s %s", scope["method"], _route_template(scope))
            if status is not None:
                raise  # an answer has begun: the connection is cut
            await problem_response(Problem(500, _OURS), scope)(scope, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - started
            said = (scope["method"], _route_template(scope), status or 500, seconds)
            self._observe(*said)
            if status is not None and 400 <= status < 500:
                self._refusals.tell(*said, scope.get(PROBLEM))
            else:
                log_answer(*said, explained=self._trouble() is not None)

    def _refuse(self, path: str, headers: dict[bytes, bytes], limit: int) -> None:
        if path not in ALWAYS_OPEN and (sentence := self._trouble()) is not None:
            raise unavailable(sentence)
        if headers.get(b"content-encoding", b"identity") != b"identity":
            raise Problem(
                415, "compressed bodies are not taken; send the body without Content-Encoding"
            )
        length = headers.get(b"content-length", b"0").lstrip(b"0") or b"0"
        if not length.isdigit() or len(length) > 10 or int(length) > limit:
            raise _too_large(limit)


_OURS = "an error of ours; the registry's log has it under this request_id"


async def _buffered(headers: dict[bytes, bytes], receive: Receive, limit: int) -> Receive:
    """Read the whole body, which the limit keeps small, so that nothing later meets a surprise."""
    if b"content-length" not in headers and b"transfer-encoding" not in headers:
        return receive
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            # Nobody reads this; but what was not sent whole must not be done.
            raise Problem(400, "the connection ended before the body was whole; send it again")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit:
            raise _too_large(limit)
    first: Message | None = {"type": "http.request", "body": bytes(body), "more_body": False}

    async def replay() -> Message:
        nonlocal first
        if first is not None:
            message, first = first, None
            return message
        return await receive()

    return replay


def _too_large(limit: int) -> Problem:
    return Problem(
        413,
        f"the body is larger than {limit // 1024} KiB; split it into several requests",
        # The rest of the body is not read, so the connection cannot be used again.
        headers={"Connection": "close"},
    )


def _request_id(headers: dict[bytes, bytes]) -> str:
    given = headers.get(b"x-request-id", b"")
    return given.decode() if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _route_template(scope: Scope) -> str:
    route = scope.get("route")
    return str(getattr(route, "path", "")) or "_OTHER"
