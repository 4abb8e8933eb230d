"""The keys in memory: a request is let in without asking the database."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from pulseguard_registry.access.schemas import Role
from pulseguard_registry.access.tokens import digest
from pulseguard_registry.database.clock import DatabaseClock

CHUNK = 1000

# What was written, and not seen when the keys were read before, bears the transaction that was the
# oldest then, or a later one; so what bears one of these is read, if need be again. Numbers
# from ahead are those of the server from which a database was restored. `keys_gone` tells of what
# left no row.
_CHANGED = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, versions.value,
       revoked_at IS NULL, digest, id, api_keys.name, role, environment, team,
       least(expires_at, '9000-01-01'::timestamptz), agent_id
  FROM versions LEFT JOIN api_keys ON changed_in >= %(since)s::bigint
   AND (%(since)s::bigint = 0 OR changed_in < pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
 WHERE versions.name = 'keys_gone'
"""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a key, with its role and the bound within which it may act (None: unbound).

    `agent_id` is the only agent for which it speaks, where it is that agent's own.
    """

    key_id: uuid.UUID
    name: str
    role: Role
    environment: str | None
    team: str | None
    expires_at: datetime | None
    agent_id: uuid.UUID | None = None

    def covers(self, environment: str, team: str) -> bool:
        """Whether an agent of this environment and team is inside the bound."""
        return self.environment in (None, environment) and self.team in (None, team)


# Who asks while access control is off.
ANYBODY = Principal(uuid.UUID(int=0), "access control is off", "admin", None, None, None)


@dataclass(frozen=True, slots=True)
class _Read:
    """How far the keys were read: over which connection, and what its database said of itself."""

    connection: AsyncConnection[Any]
    oldest_writer: int
    gone: int


class Keyring:
    """Follows the table of keys; a revocation counts from the next tick of the supervisor on.

    While the database is away nobody can know of one: on the routes that are open then
    (gate.ALWAYS_OPEN) the keys known last go on, until it is back or they expire. When they do is
    judged by the database's clock.
    """

    version_name = "keys"

    def __init__(self, pepper: str, clock: DatabaseClock) -> None:
        self._pepper = pepper
        self._clock = clock
        self._principals: dict[bytes, Principal] = {}
        self._read: _Read | None = None
        self.loaded = False

    async def reload(self, connection: AsyncConnection[Any]) -> None:
        """Read the keys that have changed; all of them where it may be another database, or where
        some have gone."""
        before = self._read if self._read and self._read.connection is connection else None
        since = before.oldest_writer if before else 0
        cursor = await connection.execute(_CHANGED, {"since": since})
        rows = await cursor.fetchmany(CHUNK)
        read = _Read(connection, *rows[0][:2])
        if before and before.gone != read.gone:
            self._read = None
            await self.reload(connection)
            return
        principals = self._principals if before else {}
        while rows:
            _apply(rows, principals)
            # All at once they would hold up every heartbeat.
            await asyncio.sleep(0)
            rows = await cursor.fetchmany(CHUNK)
        _shed_expired(principals, self._clock.now())
        self._principals, self._read, self.loaded = principals, read, True

    def find(self, token: str) -> Principal | None:
        """The holder of this key; None if it is unknown, revoked or expired."""
        principal = self._principals.get(digest(token, self._pepper))
        if principal is None or not principal.expires_at:
            return principal
        return principal if principal.expires_at > self._clock.now() else None


# Any: rows of _CHANGED.
def _apply(rows: Sequence[tuple[Any, ...]], principals: dict[bytes, Principal]) -> None:
    # Looked up by digest, not compared with the key: time tells nothing about the secret.
    for _, _, is_valid, stored, *rest in rows:
        if is_valid and stored is not None:
            principals[bytes(stored)] = Principal(*rest)
        elif stored is not None:
            principals.pop(bytes(stored), None)


def _shed_expired(principals: dict[bytes, Principal], now: datetime) -> None:
    # Once its row is dropped nobody tells of it any more: it had ended already.
    over = [kept for kept, one in principals.items() if one.expires_at and one.expires_at <= now]
    for kept in over:
        del principals[kept]
