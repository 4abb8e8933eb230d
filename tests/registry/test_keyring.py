"""The keys in memory: what has changed is read, whoever changed it and however, and no more."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import psycopg
from psycopg import AsyncConnection, AsyncCursor

from pulseguard_registry.access.keyring import Keyring, Principal
from pulseguard_registry.access.tokens import digest
from pulseguard_registry.database.clock import DatabaseClock
from pulseguard_registry.database.connecting import connect
from tests.registry.running import PEPPER

FLEET = 3000
INSERT = (
    "INSERT INTO api_keys (id, name, role, digest, pepper_id)"
    " VALUES (gen_random_uuid(), %s, 'viewer', %s, '')"
)


class Counting:
    """A connection that counts the rows that were read over it."""

    def __init__(self, connection: AsyncConnection[Any]) -> None:
        self._connection = connection
        self.rows = 0

    async def execute(self, *statement: Any) -> AsyncCursor[Any]:
        """Execute, and count."""
        cursor = await self._connection.execute(*statement)
        self.rows += cursor.rowcount
        return cursor


def make(connection: psycopg.Connection[Any], name: str) -> None:
    """A key whose text is its name."""
    connection.execute(INSERT, (name, digest(name, PEPPER)))


def in_memory(name: str) -> bool:
    """Whether anything keeps a key of this name."""
    # Not isinstance: it asks the objects of other tests, some of which raise at all they are asked.
    return any(type(one) is Principal and one.name == name for one in gc.get_objects())


async def follow(url: str) -> None:
    """Change keys in every way beside a keyring that follows them."""
    keyring = Keyring(PEPPER, DatabaseClock())
    with (
        psycopg.connect(url, autocommit=True) as writer,
        psycopg.connect(url) as slow,
    ):
        writer.execute(
            "INSERT INTO api_keys (id, name, role, digest, pepper_id) SELECT gen_random_uuid(),"
            f" 'one of many', 'viewer', int4send(n), '' FROM generate_series(1, {FLEET}) n"
        )
        # As after a restore: the numbers are another server's, and far ahead.
        writer.execute("UPDATE api_keys SET changed_in = 1000000000000")
        for name in ("revoked", "deleted", "rewritten", "kept", "over"):
            make(writer, name)
        async with await connect(url) as asked:
            counting: Any = Counting(asked)
            await keyring.reload(counting)
            assert counting.rows >= FLEET

            # The transaction that began first writes last, and bears the lower number.
            slow.execute("SELECT pg_current_xact_id()")
            make(writer, "new")
            counting.rows = 0
            await keyring.reload(counting)
            assert keyring.find("new")
            make(slow, "slow")
            slow.commit()
            writer.execute("UPDATE api_keys SET revoked_at = now() WHERE name = 'revoked'")
            await keyring.reload(counting)
            assert keyring.find("slow")
            assert not keyring.find("revoked")
            await keyring.reload(counting)
            assert counting.rows < 10

            assert in_memory("over")
            writer.execute("UPDATE api_keys SET expires_at = now() WHERE name = 'over'")
            await keyring.reload(counting)
            assert not in_memory("over")

            writer.execute("DELETE FROM api_keys WHERE name = 'deleted'")
            await keyring.reload(counting)
            assert not keyring.find("deleted")
            writer.execute(
                "UPDATE api_keys SET digest = %s WHERE name = 'rewritten'", (b"another",)
            )
            await keyring.reload(counting)
            assert not keyring.find("rewritten")

        # While nobody looked, the database may have become an older one, or another.
        writer.execute("DROP TRIGGER valid_key_gone ON api_keys")
        writer.execute("DELETE FROM api_keys WHERE name = 'new'")
        async with await connect(url) as asked:
            await keyring.reload(asked)
    found = {name for name in ("new", "slow", "kept") if keyring.find(name)}
    assert found == {"slow", "kept"}


def test_a_keyring_reads_what_has_changed_and_misses_nothing(database_url: str) -> None:
    asyncio.run(follow(database_url))
