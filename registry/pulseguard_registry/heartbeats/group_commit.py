"""Group commit: everything that arrived while the last transaction ran goes into the next one."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice, takewhile
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg.errors import (
    CheckViolation,
    DataError,
    DeadlockDetected,
    IntegrityError,
    LockNotAvailable,
    SerializationFailure,
)

from pulseguard_registry.database import overdue
from pulseguard_registry.database.deadline import deadline, shut_down
from pulseguard_registry.errors import DatabaseUnavailable, WriteRefused
from pulseguard_registry.heartbeats.statement import (
    FOR_STORING,
    Outcome,
    Write,
    store,
    store_unlocked,
)

BATCH_LIMIT = 500
WAITING_LIMIT = 10_000
COMMIT_SECONDS = 3.0
END_SECONDS = 1.0
ATTEMPTS = 3

_LOCKED = "not stored: its agent is locked by another transaction; try again"
_TOO_LATE = "not known to be stored: the database takes too long; try again"

Connect = Callable[[], Awaitable[AsyncConnection[Any]]]
Answer = Outcome | WriteRefused | DatabaseUnavailable


@dataclass(frozen=True, slots=True)
class _Request:
    """The writes of one request, stored in one pass and answered at once."""

    writes: Sequence[Write]
    answers: asyncio.Future[Sequence[Answer]]
    due: float


class GroupCommit:
    """Hands Writes to PostgreSQL, a batch a transaction; `submit` returns after the commit.

    A single request never waits for company: the first of a lull is committed at once.
    """

    def __init__(self, connect: Connect, on_batch: Callable[[int], None]) -> None:
        self._connect = connect
        self._on_batch = on_batch
        self._batch: list[_Request] = []
        self._waiting: deque[_Request] = deque()
        self._waiting_writes = 0
        self._arrived = asyncio.Event()
        self._connection: AsyncConnection[Any] | None = None
        self._has_ended = False
        self._locked: set[uuid.UUID] = set()
        self._passes_locked = False

    async def submit(self, write: Write) -> Outcome:
        """Store durably; DatabaseUnavailable where it cannot be known to be stored, or is not for
        its agent is locked; WriteRefused where PostgreSQL takes no such value."""
        (answer,) = await self.submit_all([write])
        if not isinstance(answer, Outcome):
            raise answer
        return answer

    async def submit_all(self, writes: Sequence[Write]) -> Sequence[Answer]:
        """Store what one request brings, at most 500 writes, and answer each in their order.

        One that PostgreSQL refuses, or whose agent another transaction has locked, keeps none of
        the others from being stored. DatabaseUnavailable is the answer to the latter, and is raised
        where it cannot be known what of all is stored.
        """
        if self._waiting_writes >= WAITING_LIMIT:
            raise DatabaseUnavailable("too many writes are waiting for the database; try again")
        due = time.monotonic() + overdue.ANSWER_SECONDS
        request = _Request(writes, asyncio.get_running_loop().create_future(), due)
        self._waiting.append(request)
        self._waiting_writes += len(writes)
        self._arrived.set()
        return await request.answers

    async def run(self) -> None:
        """Go on for ever; cancelled, end within a second whatever PostgreSQL does."""
        work = asyncio.ensure_future(self._commit_all())
        try:
            await asyncio.shield(work)
        finally:
            await self._end(work)

    async def answer_overdue(self) -> None:
        """Go on for ever, and let nobody wait for longer than a caller may: one batch takes its
        time, and the next one then takes its own."""
        while True:
            await asyncio.sleep(overdue.LOOK_SECONDS)
            _fail(self._overdue(time.monotonic()), DatabaseUnavailable(_TOO_LATE))

    def _overdue(self, now: float) -> Iterable[_Request]:
        """Those who have waited too long, of all who wait, in the order in which they came."""
        return takewhile(lambda each: each.due <= now, chain(self._batch, self._waiting))

    async def _commit_all(self) -> None:
        while not self._has_ended:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                self._batch = self._next_batch()
                await self._commit(self._batch)

    async def _end(self, work: asyncio.Future[None]) -> None:
        self._has_ended = True
        self._arrived.set()
        # A statement that is cancelled has psycopg ask the server to cancel it, and wait.
        if self._connection is not None:
            shut_down(self._connection)
        else:
            work.cancel()
        await asyncio.wait({work}, timeout=END_SECONDS)
        work.cancel()
        await self._drop_connection()

    def _next_batch(self) -> list[_Request]:
        batch: list[_Request] = []
        room = BATCH_LIMIT
        while self._waiting and (not batch or len(self._waiting[0].writes) <= room):
            batch.append(self._waiting.popleft())
            room -= len(batch[-1].writes)
        self._waiting_writes -= BATCH_LIMIT - room
        return batch

    async def _commit(self, batch: list[_Request]) -> None:
        writes = [write for request in batch for write in request.writes]
        # Nobody waits again for an agent that was found locked, until one write of it was stored.
        self._passes_locked = not self._locked.isdisjoint(write.agent_id for write in writes)
        try:
            answers = iter(await self._store_apart(writes))
        except (psycopg.Error, OSError, TimeoutError) as error:
            await self._drop_connection()
            failure = DatabaseUnavailable(
                f"not known to be stored: {_first_line(error)}; try again"
            )
            # Those who wait would only wait as long for the same.
            _fail([*batch, *self._waiting], failure)
            self._waiting.clear()
            self._waiting_writes = 0
        else:
            self._on_batch(len(writes))
            for request in batch:
                own = list(islice(answers, len(request.writes)))
                if not request.answers.done():  # the client may have gone
                    request.answers.set_result(own)

    async def _store_apart(self, writes: Sequence[Write]) -> list[Answer]:
        """Store all at once, or in ever smaller halves around a value that PostgreSQL refuses."""
        try:
            return list(await self._store(writes))
        except (DataError, IntegrityError) as error:
            if len(writes) == 1:
                sentence = f"PostgreSQL refuses a value: {_first_line(error)}; mend it"
                return [WriteRefused(sentence)]
        middle = len(writes) // 2
        first = await self._store_apart(writes[:middle])
        return first + await self._store_apart(writes[middle:])

    async def _store(self, writes: Sequence[Write]) -> Sequence[Answer]:
        for _ in range(ATTEMPTS):
            try:
                return await self._store_once(writes)
            except (DeadlockDetected, SerializationFailure, CheckViolation) as error:
                if not _is_passing(error):
                    raise
        raise psycopg.OperationalError("another registry was in the way")

    async def _store_once(self, writes: Sequence[Write]) -> Sequence[Answer]:
        connection = await self._connected()
        if not self._passes_locked:
            try:
                with deadline(COMMIT_SECONDS, connection):
                    return await store(connection, writes)
            except LockNotAvailable:
                # For all that is left of the batch: each part of it would wait as long.
                self._passes_locked = True
        with deadline(COMMIT_SECONDS, connection):
            outcomes = await store_unlocked(connection, writes)
        self._note_locked(writes, outcomes)
        return [DatabaseUnavailable(_LOCKED) if one is None else one for one in outcomes]

    def _note_locked(self, writes: Sequence[Write], outcomes: Sequence[Outcome | None]) -> None:
        self._locked.difference_update(write.agent_id for write in writes)
        pairs = zip(writes, outcomes, strict=True)
        self._locked.update(write.agent_id for write, outcome in pairs if outcome is None)

    async def _connected(self) -> AsyncConnection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = await self._connect()
            with deadline(COMMIT_SECONDS, self._connection):
                await self._connection.execute(FOR_STORING)
        return self._connection

    async def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error, OSError):
                await connection.close()


def _fail(requests: Iterable[_Request], failure: Exception) -> None:
    for request in requests:
        if not request.answers.done():
            request.answers.set_exception(failure)


def _is_passing(error: psycopg.Error) -> bool:
    """Whether the same write succeeds when it is tried again."""
    # The constraint of a partition, other than those of a table, has no name. A row meets it that
    # was on its way to the default partition when one for its day was attached.
    return not isinstance(error, CheckViolation) or error.diag.constraint_name is None


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
