"""When each key was used last: gathered in memory, written once a minute in one statement."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Mapping

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pulseguard_registry.database.clock import DatabaseClock
from pulseguard_registry.database.diagnosis import own_words
from pulseguard_registry.database.engine import Database

WRITE_SECONDS = 60.0

log = logging.getLogger("pulseguard.registry")

# In the order of their ids, so that two registries never wait for each other; of two the later.
_WRITE = text(
    """
    WITH used AS (
        SELECT api_keys.id, asked.at
          FROM api_keys JOIN unnest((:ids)::uuid[], (:moments)::timestamptz[]) AS asked(id, at)
            ON asked.id = api_keys.id
         ORDER BY api_keys.id
           FOR UPDATE OF api_keys
    )
    UPDATE api_keys SET last_used_at = greatest(api_keys.last_used_at, used.at)
      FROM used WHERE used.id = api_keys.id
    """
)


class LastUse:
    """Keeps when keys are used; up to a minute of it is lost where the process ends."""

    def __init__(self, database: Database, clock: DatabaseClock) -> None:
        self._database = database
        self._clock = clock
        self._used: dict[uuid.UUID, float] = {}

    def note(self, key_id: uuid.UUID) -> None:
        """This key is used now."""
        self._used[key_id] = time.monotonic()

    async def run(self, is_ready: Callable[[], bool]) -> None:
        """Go on for ever, writing while the database can be used; what fails is kept."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            if not self._used or not is_ready():
                continue
            used, self._used = self._used, {}
            try:
                await asyncio.to_thread(self._write, used)
            except (DBAPIError, PoolTimeout) as error:
                self._used = used | self._used
                reason = own_words(error)
                log.warning("the last use of keys was not written this time: %s", reason)

    def _write(self, used: Mapping[uuid.UUID, float]) -> None:
        moments = [self._clock.at(steady_seconds) for steady_seconds in used.values()]
        with self._database.engine.begin() as connection:
            connection.execute(_WRITE, {"ids": list(used), "moments": moments})
