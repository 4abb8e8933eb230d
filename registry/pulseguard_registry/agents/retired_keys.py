"""Keys that ended with their agent: whoever still sends one is told so, and is known to run on."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final

from sqlalchemy import select

from pulseguard_registry.access.guard import CHALLENGE
from pulseguard_registry.access.models import ApiKey
from pulseguard_registry.access.tokens import digest
from pulseguard_registry.agents.models import Agent
from pulseguard_registry.agents.service import retired_agent
from pulseguard_registry.agents.still_running import StillRunning
from pulseguard_registry.database.engine import Database
from pulseguard_registry.problems import Problem

_OWN: Final = "pg_agent_"


class RetiredKeys:
    """Knows the keys that ended because an operator retired the agent whose own they were."""

    def __init__(self, database: Database, pepper: str, still_running: StillRunning) -> None:
        self._database = database
        self._pepper = pepper
        self._still_running = still_running

    def refusal(self, token: str) -> Problem | None:
        """The 401 of such a key, whose agent was heard by that; None where it is none.

        Waits for the database.
        """
        owner = self._retired_owner(token) if token.startswith(_OWN) else None
        if owner is None:
            return None
        agent_id, since = owner
        self._still_running.note(agent_id)
        return retired_agent(
            agent_id, since, by_operator=True, with_own_key=True, status=401, headers=CHALLENGE
        )

    def _retired_owner(self, token: str) -> tuple[uuid.UUID, datetime] | None:
        query = (
            select(Agent.id, Agent.retired_at)
            .join(ApiKey, ApiKey.agent_id == Agent.id)
            .where(
                ApiKey.digest == digest(token, self._pepper),
                # One that was replaced before says nothing of who runs now.
                ApiKey.revoked_at >= Agent.retired_at,
                Agent.retired_by_operator,
            )
        )
        with self._database.sessions() as session:
            found = session.execute(query).one_or_none()
        return None if found is None or found[1] is None else (found[0], found[1])
