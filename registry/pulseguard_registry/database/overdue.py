"""Breaks off what a request still waits for when its time is over, however many statements it has.

Each statement has a limit of its own, and a few of them that all just keep it would together be
more than a caller waits.
"""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from psycopg import Connection

from pulseguard_registry.database.deadline import shut_down

# From the moment that a request is whole, in whichever queues it waits: no call takes over 5 s.
ANSWER_SECONDS = 4.5
LOOK_SECONDS = 0.1
# When a request has to be answered (monotonic): in its ASGI scope, and in its session's `info`.
DUE = "pulseguard.due"


class Overdue:
    """The connections that requests use, and when each has to be free again (monotonic)."""

    def __init__(self) -> None:
        self._due: dict[Connection[Any], float] = {}
        # Else a connection could be broken that somebody else has been given a moment ago.
        self._lock = threading.Lock()

    def expect(self, connection: Connection[Any], due: float) -> None:
        """Break this connection at that time, unless it was released before."""
        with self._lock:
            self._due[connection] = due

    def release(self, connection: Connection[Any]) -> None:
        """It is in nobody's hands any more."""
        with self._lock:
            self._due.pop(connection, None)

    async def run(self) -> None:
        """Look for ever: a timer for each request would cost more than this."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._break_off(time.monotonic())

    def _break_off(self, now: float) -> None:
        with self._lock:
            for connection in [each for each, due in self._due.items() if due <= now]:
                del self._due[connection]
                shut_down(connection)
