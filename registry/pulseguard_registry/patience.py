"""How long a connection may take to say what it wants: uvicorn itself would wait for ever."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class PatientProtocol(HttpToolsProtocol):
    """Closes a connection that has not sent a whole request, head and body, within `patience`
    seconds of opening or of the request's first byte, and one whose reader takes as long to make
    room for more of an answer. One that waits between two requests is uvicorn's keep-alive."""

    # Any: uvicorn's own arguments, handed on as they are.
    def __init__(self, *arguments: Any, patience: float, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._patience = patience
        self._request_due: asyncio.TimerHandle | None = None
        self._room_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._await_request()

    def data_received(self, data: bytes) -> None:
        """Go on waiting, for whatever begins here to become whole."""
        self._await_request()
        super().data_received(data)

    def on_message_begin(self) -> None:
        """The next of several requests that were sent at once."""
        self._await_request()
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """A request is whole; what takes time from here on is ours."""
        self._stop_awaiting_request()
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The client reads more slowly than we answer."""
        super().pause_writing()
        if self._room_due is None:
            self._room_due = self.loop.call_later(self._patience, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has read again."""
        self._stop_awaiting_room()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for any more."""
        self._stop_awaiting_request()
        self._stop_awaiting_room()
        super().connection_lost(exc)

    def _await_request(self) -> None:
        if self._request_due is None and not self.transport.is_closing():
            # Not close(): what is left to be written may never be read.
            self._request_due = self.loop.call_later(self._patience, self.transport.abort)

    def _stop_awaiting_request(self) -> None:
        if self._request_due is not None:
            self._request_due.cancel()
            self._request_due = None

    def _stop_awaiting_room(self) -> None:
        if self._room_due is not None:
            self._room_due.cancel()
            self._room_due = None


def patient_protocol(seconds: float) -> Any:  # Any: what uvicorn takes for a class of protocols
    """The protocol of connections that are closed when their requests take longer than this."""
    return partial(PatientProtocol, patience=seconds)
