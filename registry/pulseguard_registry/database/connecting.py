"""Opens the connections of the event loop, with a deadline of our own."""

from __future__ import annotations

import asyncio
from typing import Any

from psycopg import AsyncConnection

CONNECT_SECONDS = 2


async def connect(url: str) -> AsyncConnection[Any]:
    """A connection in autocommit mode, whose commits are durable whatever the server's default.

    TimeoutError or psycopg.Error where there is none within the deadline.
    """
    opening = AsyncConnection.connect(
        url, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name="pulseguard"
    )
    connection: AsyncConnection[Any] = await asyncio.wait_for(opening, CONNECT_SECONDS + 1)
    await asyncio.wait_for(connection.execute("SET synchronous_commit = on"), CONNECT_SECONDS)
    return connection
