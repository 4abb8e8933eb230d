"""The keys in memory: a request is let in without asking the database."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg import AsyncConnection

from pulseguard_registry.access.schemas import Role
from pulseguard_registry.access.tokens import digest

_SELECT = """
SELECT digest, id, name, role, environment, team, least(expires_at, '9000-01-01'::timestamptz),
       agent_id
  FROM api_keys WHERE revoked_at IS NULL
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


class Keyring:
    """Follows the table of keys; a revocation counts from the next tick of the supervisor on.

    While the database is away nobody can know of one: on the routes that are open then
    (gate.ALWAYS_OPEN) the keys known last go on, until it is back or they expire.
    """

    version_name = "keys"

    def __init__(self, pepper: str) -> None:
        self._pepper = pepper
        self._principals: Mapping[bytes, Principal] = {}
        self.loaded = False

    async def reload(self, connection: AsyncConnection[Any]) -> None:
        """Read all keys that were not revoked."""
        cursor = await connection.execute(_SELECT)
        rows = await cursor.fetchall()
        # Looked up by digest, not compared with the key: time tells nothing about the secret.
        self._principals = {bytes(stored): Principal(*rest) for stored, *rest in rows}
        self.loaded = True

    def find(self, token: str) -> Principal | None:
        """The holder of this key; None if it is unknown, revoked or expired."""
        principal = self._principals.get(digest(token, self._pepper))
        if principal is None or not principal.expires_at:
            return principal
        return principal if principal.expires_at > datetime.now(UTC) else None
