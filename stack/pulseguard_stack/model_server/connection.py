"""The connection of one attempt: waits on it, sends on it, and knows at once when it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pulseguard_stack.model_server.errors import (
    ClientGone,
    Departure,
    Refusal,
    ServerStopping,
)
from pulseguard_stack.model_server.outcomes import Outcome

Headers = Sequence[tuple[bytes, bytes]]
_HANG_UP = "pulseguard.hang_up"


class HangUpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, plus a way for the application to hang up half-way: ASGI has none."""

    def on_message_begin(self) -> None:
        """Puts the transport's close into the scope of the request that begins."""
        super().on_message_begin()
        # The transport is looked up when called: an upgrade may replace it.
        self.scope["extensions"] = {_HANG_UP: {"close": lambda: self.transport.close()}}


class Connections:
    """The connections under way, so that a stop reaches all of them."""

    def __init__(self) -> None:
        self._open: set[Connection] = set()
        self._stopping = False

    def add(self, connection: Connection) -> None:
        """Takes a connection in; while stopping it is told so at once."""
        self._open.add(connection)
        if self._stopping:
            connection.end(ServerStopping())

    def remove(self, connection: Connection) -> None:
        """Forgets a connection whose attempt is over."""
        self._open.discard(connection)

    def stop(self) -> None:
        """Ends every wait under way, and those still to come."""
        self._stopping = True
        for connection in self._open:
            connection.end(ServerStopping())


class Connection:
    """Every method but `end` and `release` raises Departure once the attempt cannot be answered."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        extension = scope["extensions"][_HANG_UP]
        self._close = cast(Callable[[], None], extension["close"])
        self._receive = receive
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[Departure] = self._loop.create_future()
        self._watcher: asyncio.Task[None] | None = None

    async def body(self, limit_bytes: int) -> bytes:
        """The whole request body; raises Refusal (413) for one over the limit."""
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit_bytes:
                text = f"The body is larger than {limit_bytes} bytes."
                raise Refusal(Outcome.BAD_REQUEST, 413, "invalid_request_error", text)
            more = message.get("more_body", False)
        return b"".join(parts)

    async def wait_until(self, deadline: float) -> None:
        """Sleeps until the event loop's clock shows `deadline`; at least lets others run."""
        delay = deadline - self._loop.time()
        if delay > 0:
            self._watch()
            await asyncio.wait({self._ended}, timeout=delay)
        else:
            await asyncio.sleep(0)
        self._raise_if_ended()

    async def start(self, status: int, headers: Headers) -> None:
        """Sends status and headers."""
        self._raise_if_ended()
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def send(self, data: bytes, more: bool) -> None:
        """Hands body bytes to the transport."""
        if more:
            self._watch()
        self._raise_if_ended()
        await self._send({"type": "http.response.body", "body": data, "more_body": more})
        # A send that waited for a slow reader returns silently when the reader leaves.
        if self._ended.done() and isinstance(self._ended.result(), ClientGone):
            raise ClientGone

    async def hang_up(self) -> None:
        """Closes the connection in the middle of the answer, after what was sent so far."""
        self._close()
        # Returning earlier, the server below would take the half answer for a mistake of ours.
        await asyncio.wait({self._watch()}, timeout=1)

    def end(self, why: Departure) -> None:
        """Makes every wait, now and later, raise `why`."""
        if not self._ended.done():
            self._ended.set_result(why)

    def release(self) -> None:
        """Stops watching; the connection may carry its next request."""
        if self._watcher is not None:
            self._watcher.cancel()

    def _watch(self) -> asyncio.Task[None]:
        if self._watcher is None:
            self._watcher = self._loop.create_task(self._wait_for_disconnect())
        return self._watcher

    async def _wait_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.end(ClientGone())

    def _raise_if_ended(self) -> None:
        if self._ended.done():
            raise self._ended.result()
