"""What holds on the registry's connections: nothing is kept for one who is not there any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg import AsyncConnection
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from pulseguard_registry.database import connecting, engine
from pulseguard_registry.database.connecting import connect
from pulseguard_registry.database.deadline import within
from pulseguard_registry.database.engine import Database
from tests.registry.running import RunningRegistry, eventually
from tests.registry.test_group_commit import silent_once_connected

LOCK_GUARD = "SELECT FROM discovery_guard FOR UPDATE"
SLEEP = "SELECT pg_sleep(30)"


@pytest.fixture
def url(shared_registry: RunningRegistry) -> str:
    """A database that a registry uses as well, with connections of its own."""
    return shared_registry.database_url


@pytest.fixture
def database(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Another registry's, of which PostgreSQL thinks sooner that it is not there any more."""
    monkeypatch.setattr(engine, "IDLE_MILLISECONDS", 100)
    monkeypatch.setattr(connecting, "IDLE_MILLISECONDS", 100)
    monkeypatch.setattr(connecting, "CHECK_MILLISECONDS", 100)
    one = Database(url)
    yield one
    one.break_off()


def lock_guard(url: str) -> None:
    """As another registry; LockNotAvailable where it is locked for longer."""
    with psycopg.connect(url, options="-c lock_timeout=3s") as other:
        other.execute(LOCK_GUARD)


def sleepers(url: str) -> int:
    """How many of PostgreSQL's processes still work for a statement that sleeps."""
    where = f"datname = current_database() AND state = 'active' AND query = '{SLEEP}'"
    with psycopg.connect(url) as other:
        asked = other.execute(f"SELECT count(*) FROM pg_stat_activity WHERE {where}")
        return int((asked.fetchone() or (0,))[0])


def test_a_registry_that_stands_still_in_a_transaction_holds_no_lock(
    url: str, database: Database
) -> None:
    async def stand_still() -> None:
        connection = await connect(url)
        await connection.execute("BEGIN")
        await connection.execute(LOCK_GUARD)
        await asyncio.to_thread(lock_guard, url)
        await connection.close()

    asyncio.run(stand_still())
    with database.engine.connect() as connection:
        connection.execute(text(LOCK_GUARD))
        lock_guard(url)
        connection.invalidate()


def test_a_statement_that_was_broken_off_leaves_no_process_of_postgresql(
    url: str, database: Database
) -> None:
    async def break_off() -> None:
        async with await connect(url) as connection:
            with pytest.raises(TimeoutError):
                await within(0.1, connection, connection.execute(SLEEP))

    def sleep() -> None:
        with database.engine.connect() as connection:
            connection.execute(text(SLEEP))

    asyncio.run(break_off())
    eventually(lambda: not sleepers(url), 2)
    with ThreadPoolExecutor(1) as thread:
        sleeping = thread.submit(sleep)
        eventually(lambda: sleepers(url))
        database.break_off()
        eventually(lambda: not sleepers(url), 2)
        with pytest.raises(OperationalError):
            sleeping.result()


def test_a_server_that_falls_silent_once_connected_to_costs_no_more_than_the_deadline(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "CONNECT_SECONDS", 1)
    open_one = AsyncConnection.connect

    with silent_once_connected(url) as (silent_url, fall_silent):

        async def open_and_fall_silent(*place: str, **options: object) -> object:
            connection = await open_one(*place, **options)  # type: ignore[arg-type]
            fall_silent()
            return connection

        monkeypatch.setattr(AsyncConnection, "connect", open_and_fall_silent)
        began = time.monotonic()
        with pytest.raises(TimeoutError, match="no answer"):
            asyncio.run(connect(silent_url))
        assert time.monotonic() - began < 1.8
