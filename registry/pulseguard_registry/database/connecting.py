"""Opens the connections of the event loop, and says what holds on every one of the registry's."""

from __future__ import annotations

import asyncio
from typing import Any

from psycopg import AsyncConnection

from pulseguard_registry.database.deadline import within

CONNECT_SECONDS = 2
# Less than the deadlines of those who use `connect`: a lock is then told from a silent server.
LOCK_MILLISECONDS = 1500
# More than them: nobody who still runs is silent in a transaction for so long.
IDLE_MILLISECONDS = 5000
CHECK_MILLISECONDS = 1000


def terms(lock_milliseconds: int, idle_milliseconds: int) -> str:
    """The SQL after which these hold on a connection, whatever the server's defaults.

    Commits are durable. What waits so long for a lock gives up. A transaction in which we fall
    silent for so long ends, and its locks with it: else a registry that is frozen, or whose machine
    is gone, would keep the others from its rows. And PostgreSQL looks every second whether we are
    still there, as it does not by itself while it waits for a lock: else each statement that we
    have broken off would leave a process there. On Windows it cannot, and need not.
    """
    return f"""
        SET synchronous_commit = on;
        SET lock_timeout = {lock_milliseconds};
        SET idle_in_transaction_session_timeout = {idle_milliseconds};
        DO $$ BEGIN
            SET client_connection_check_interval = {CHECK_MILLISECONDS};
        EXCEPTION WHEN invalid_parameter_value THEN NULL;
        END $$
    """


async def connect(url: str) -> AsyncConnection[Any]:
    """A connection in autocommit mode, whose commits are durable whatever the server's default.

    TimeoutError or psycopg.Error where there is none within the deadline.
    """
    opening = AsyncConnection.connect(
        url, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name="pulseguard"
    )
    connection: AsyncConnection[Any] = await asyncio.wait_for(opening, CONNECT_SECONDS + 1)
    try:
        agreed = connection.execute(terms(LOCK_MILLISECONDS, IDLE_MILLISECONDS))
        await within(CONNECT_SECONDS, connection, agreed)
    except BaseException:
        await connection.close()
        raise
    return connection
