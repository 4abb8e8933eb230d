"""Watches the database: brings it up, follows its changes, and knows what is wrong with it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Protocol

import psycopg
from psycopg import AsyncConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pulseguard_registry.database.connecting import CONNECT_SECONDS, connect
from pulseguard_registry.database.deadline import within
from pulseguard_registry.database.diagnosis import Place, check_encoding, diagnose, silent
from pulseguard_registry.database.engine import Database
from pulseguard_registry.errors import DatabaseUnavailable

TICK_SECONDS = 0.5
SHORTEST_TICK_SECONDS = 0.05
ANSWER_SECONDS = 2.0
# Half of the two seconds within which a database that is back is used again.
LONGEST_PAUSE_SECONDS = 1.0

# What is the database's trouble, or comes of it.
_TROUBLES = (psycopg.Error, DBAPIError, PoolTimeout, OSError, TimeoutError, DatabaseUnavailable)

log = logging.getLogger("pulseguard.registry")


class Follower(Protocol):
    """Something kept in memory that is read again whenever its version in the database changes."""

    version_name: str

    async def reload(self, connection: AsyncConnection[Any]) -> None:
        """Read everything again, inside a transaction of the default isolation, READ COMMITTED."""


class Watcher(Protocol):
    """Something that looks at the database at every tick, before the followers read."""

    async def look(self, connection: AsyncConnection[Any]) -> None:
        """Look, and change what has to change by now; in autocommit mode."""


class Supervisor:
    """One task that keeps the registry and its database together.

    `revive` starts a database of our own that has died. `prepare` runs in a thread at each
    (re)connection, before the registry calls itself ready: migrations and what else must hold.

    `trouble` is the sentence to show, None when ready; `confirmed_at` is the monotonic time at
    which what the followers keep was last known to be current.
    """

    def __init__(
        self,
        database: Database,
        place: Place,
        *,
        prepare: Callable[[], None],
        revive: Callable[[], None] | None = None,
        followers: Sequence[Follower],
        watchers: Sequence[Watcher] = (),
    ) -> None:
        self.trouble: str | None = f"cannot use {place} yet: connecting; try again in a moment"
        self.confirmed_at = float("-inf")
        self._database = database
        self._place = place
        self._prepare = prepare
        self._revive = revive
        self._followers = followers
        self._watchers = watchers
        self._known: dict[str, int] = {}
        self._ticked = asyncio.Event()
        self._wanted = asyncio.Event()

    async def run(self) -> None:
        """Go on for ever: bring up, watch, and after a failure try again with growing pauses."""
        pause = TICK_SECONDS / 2
        while True:
            try:
                if self._revive is not None:
                    await asyncio.to_thread(self._revive)
                async with await self._connect() as connection:
                    await self._bring_up(connection)
                    pause = TICK_SECONDS / 2
                    await self._watch(connection)
            except _TROUBLES as error:
                self._report(error)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def next_tick(self) -> bool:
        """Wait at most a second; whether what the followers keep is as fresh as this call."""
        called_at = time.monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(2 * TICK_SECONDS):
                while self.confirmed_at < called_at:
                    self._wanted.set()
                    await self._ticked.wait()
        return self.confirmed_at >= called_at

    async def _connect(self) -> AsyncConnection[Any]:
        try:
            return await connect(self._database.url)
        except TimeoutError:
            raise silent(self._place, CONNECT_SECONDS) from None

    async def _bring_up(self, connection: AsyncConnection[Any]) -> None:
        await within(ANSWER_SECONDS, connection, _select_one(connection))
        check_encoding(self._place, connection.info.parameter_status("server_encoding"))
        await self._prepared(connection)
        self._known.clear()
        await self._tick(connection)
        self.trouble = None
        log.info("ready: using %s", self._place)

    async def _prepared(self, connection: AsyncConnection[Any]) -> None:
        """A migration may take its time, but not the silence of a database that went away."""
        work = asyncio.ensure_future(asyncio.to_thread(self._prepare))
        while not work.done():
            await asyncio.wait({work}, timeout=ANSWER_SECONDS)
            try:
                await within(ANSWER_SECONDS, connection, _select_one(connection))
            except (psycopg.Error, OSError, TimeoutError):
                self._database.break_off()
                await asyncio.wait({work}, timeout=ANSWER_SECONDS)
                raise
        work.result()

    async def _watch(self, connection: AsyncConnection[Any]) -> None:
        while True:
            await asyncio.sleep(SHORTEST_TICK_SECONDS)  # however many ask for one
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), TICK_SECONDS - SHORTEST_TICK_SECONDS)
            self._wanted.clear()
            await self._tick(connection)

    async def _tick(self, connection: AsyncConnection[Any]) -> None:
        try:
            await within(ANSWER_SECONDS, connection, self._follow(connection))
        except TimeoutError:
            raise silent(self._place, ANSWER_SECONDS) from None
        self._ticked.set()
        self._ticked = asyncio.Event()

    async def _follow(self, connection: AsyncConnection[Any]) -> None:
        for watcher in self._watchers:
            await watcher.look(connection)
        asked_at = time.monotonic()
        versions = await _read_versions(connection)
        if versions != self._known:
            await self._reload(connection)
        self.confirmed_at = asked_at

    async def _reload(self, connection: AsyncConnection[Any]) -> None:
        async with connection.transaction():
            # First: whatever changes in between is read twice, and never missed.
            versions = await _read_versions(connection)
            for follower in self._followers:
                if versions[follower.version_name] != self._known.get(follower.version_name):
                    await follower.reload(connection)
        self._known = versions

    def _report(self, error: BaseException) -> None:
        sentence = str(diagnose(self._place, error))
        if sentence != self.trouble:
            log.error("%s", sentence)
        if self.trouble is None:
            self._database.break_off()
        self.trouble = sentence


async def _read_versions(connection: AsyncConnection[Any]) -> dict[str, int]:
    cursor = await connection.execute("SELECT name, value FROM versions")
    return dict(await cursor.fetchall())


async def _select_one(connection: AsyncConnection[Any]) -> None:
    await connection.execute("SELECT 1")
