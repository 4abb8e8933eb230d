"""The one clock by which keys end and snapshots are too old: that of the database."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import AsyncConnection


class DatabaseClock:
    """What the time is by the database's clock, without asking it for each request.

    So all registries on one database judge alike, however wrong the clocks of their hosts are. It
    is told at every tick of the supervisor, and carried on by the host's steady clock, which nobody
    sets, also while the database is away. Until the first tick it is that of the host.
    """

    def __init__(self) -> None:
        self._begin(datetime.now(UTC), time.monotonic())

    async def look(self, connection: AsyncConnection[Any]) -> None:
        """Let the database tell the time."""
        # Looked at before the database tells: ahead by the way there, so that no key outlives its
        # end.
        asked_at = time.monotonic()
        cursor = await connection.execute("SELECT now()")
        for (told,) in await cursor.fetchall():
            self._begin(told.astimezone(UTC), asked_at)

    def now(self) -> datetime:
        """The time, in UTC; from any thread."""
        return self.at(time.monotonic())

    def at(self, steady_seconds: float) -> datetime:
        """What it was, in UTC, when `time.monotonic()` was this."""
        return self._began_at + timedelta(seconds=steady_seconds)

    def _begin(self, moment: datetime, steady_seconds: float) -> None:
        # When the steady clock was at 0: one value, so that no thread sees half of a change.
        self._began_at = moment - timedelta(seconds=steady_seconds)
