"""Group commit: everything that arrived while the last transaction ran goes into the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.errors import DataError, DeadlockDetected, IntegrityError, SerializationFailure

from pulseguard_registry.database.deadline import within
from pulseguard_registry.errors import DatabaseUnavailable, WriteRefused
from pulseguard_registry.heartbeats.statement import BY_INDEX, Outcome, Write, store

BATCH_LIMIT = 500
WAITING_LIMIT = 10_000
COMMIT_SECONDS = 3.0
ATTEMPTS = 3

Connect = Callable[[], Awaitable[AsyncConnection[Any]]]
_Waiting = tuple[Write, asyncio.Future[Outcome]]


class GroupCommit:
    """Hands Writes to PostgreSQL, a batch a transaction; `submit` returns after the commit.

    A single request never waits for company: the first of a lull is committed at once.
    """

    def __init__(self, connect: Connect, on_batch: Callable[[int], None]) -> None:
        self._connect = connect
        self._on_batch = on_batch
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._connection: AsyncConnection[Any] | None = None

    async def submit(self, write: Write) -> Outcome:
        """Store durably; DatabaseUnavailable where it cannot be known to be stored, WriteRefused
        where PostgreSQL takes no such value."""
        if len(self._waiting) >= WAITING_LIMIT:
            raise DatabaseUnavailable("too many writes are waiting for the database; try again")
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((write, answer))
        self._arrived.set()
        return await answer

    async def run(self) -> None:
        """Go on for ever."""
        try:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while self._waiting:
                    count = min(len(self._waiting), BATCH_LIMIT)
                    await self._commit([self._waiting.popleft() for _ in range(count)])
        finally:
            await self._drop_connection()

    async def _commit(self, batch: list[_Waiting]) -> None:
        try:
            outcomes = await self._store([write for write, _ in batch])
        except (DataError, IntegrityError) as error:
            await self._isolate(batch, error)
        except (psycopg.Error, OSError, TimeoutError) as error:
            await self._drop_connection()
            failure = DatabaseUnavailable(
                f"not known to be stored: {_first_line(error)}; try again"
            )
            # Those who wait would only wait as long for the same.
            _fail([*batch, *self._waiting], failure)
            self._waiting.clear()
        else:
            self._on_batch(len(batch))
            for (_, answer), outcome in zip(batch, outcomes, strict=True):
                if not answer.done():  # the client may have gone
                    answer.set_result(outcome)

    async def _isolate(self, batch: list[_Waiting], error: psycopg.Error) -> None:
        """PostgreSQL refuses a value of one write: the others of its batch must not suffer."""
        if len(batch) == 1:
            _fail(batch, WriteRefused(f"PostgreSQL refuses a value: {_first_line(error)}; mend it"))
            return
        for one in batch:
            await self._commit([one])

    async def _store(self, writes: list[Write]) -> list[Outcome]:
        for attempt in range(ATTEMPTS):
            with suppress(DeadlockDetected, SerializationFailure):
                return await self._store_once(writes)
            if attempt == ATTEMPTS - 1:
                break
        raise psycopg.OperationalError("another registry was in the way")

    async def _store_once(self, writes: list[Write]) -> list[Outcome]:
        if self._connection is None or self._connection.closed:
            self._connection = await self._connect()
            await within(COMMIT_SECONDS, self._connection, self._connection.execute(BY_INDEX))
        return await within(COMMIT_SECONDS, self._connection, store(self._connection, writes))

    async def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error, OSError):
                await connection.close()


def _fail(batch: Iterable[_Waiting], failure: Exception) -> None:
    for _, answer in batch:
        if not answer.done():
            answer.set_exception(failure)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
