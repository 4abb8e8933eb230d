"""When silence may be called OFFLINE: never because the registry itself could not listen."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from psycopg.errors import LockNotAvailable

# Without a note for longer than this, heartbeats could not be taken: agents are innocent of it.
DEAF_AFTER = timedelta(seconds=3)
HELD_SHARE = 0.15
HELD_LEAST = 5
HELD_PERIODS = 2
# An agent beats at least three times a period: one that has missed two of them is late.
LATE_SHARE = 2 / 3

log = logging.getLogger("pulseguard.registry")


@dataclass(frozen=True)
class Watch:
    """What all registries on one database know of their listening.

    `noted_at` is when one of them last listened, `judged_from` since when without a gap. Who was
    last heard before `silent_before` is silent. Until `held_until` the silence of `held_agents`
    is not called so.
    """

    noted_at: datetime
    judged_from: datetime
    silent_before: datetime
    held_until: datetime | None
    held_agents: int


@dataclass(frozen=True)
class Count:
    """Agents that are not called silent: all of them, those that are late, and those due now."""

    live: int
    late: int
    due: int


def judge(known: Watch, count: Count, now: datetime, period: timedelta) -> Watch:
    """What is known now. Nobody becomes silent before a period of listening has passed, nor where
    too many would at once, until two periods more have passed."""
    if now - known.noted_at > DEAF_AFTER:
        return replace(known, noted_at=now, judged_from=now, held_until=None, held_agents=0)
    noted = replace(known, noted_at=now, held_until=None, held_agents=0)
    if now - known.judged_from < period:
        return noted
    until = known.held_until or now + HELD_PERIODS * period
    if _are_many(count) and now < until:
        return replace(noted, held_until=until, held_agents=count.late)
    return replace(noted, silent_before=now - period)


def _are_many(count: Count) -> bool:
    """Whether too many would become silent at once. The late are as good as gone: who falls silent
    at one moment has not beaten at one moment."""
    return count.due > 0 and count.late >= HELD_LEAST and count.late > HELD_SHARE * count.live


def end_of_hold(known: Watch, judged: Watch, count: Count) -> str:
    """What became of the agents that were held, where they are no more, in a sentence."""
    if judged.judged_from != known.judged_from:
        return "the silence of many agents is judged anew: nobody was listening meanwhile"
    if _are_many(count):
        return (
            f"{count.due} of {count.live} agents, which fell silent at once, did not come back:"
            " called OFFLINE from now on"
        )
    rest = f", but for {count.due}, called OFFLINE from now on" if count.due else ""
    return f"the silence of many agents is over: they send heartbeats again{rest}"


_PATIENCE = "SET LOCAL lock_timeout = '300ms'"

_READ = """
SELECT now(), noted_at, judged_from, silent_before, held_until, held_agents FROM watch
"""

_COUNT = """
SELECT count(*), count(*) FILTER (WHERE last_seen_at < %(late_before)s),
       count(*) FILTER (WHERE last_seen_at < %(due_before)s)
  FROM agents
 WHERE retired_at IS NULL AND stopped_at IS NULL AND last_seen_at >= %(silent_before)s
"""

# Where another registry was first, nothing is changed: it has judged the same.
_WRITE = """
UPDATE watch SET noted_at = %(noted_at)s, judged_from = %(judged_from)s,
                 silent_before = %(silent_before)s, held_until = %(held_until)s,
                 held_agents = %(held_agents)s
 WHERE noted_at = %(known)s
"""


class SilenceWatch:
    """Judges at every tick of the supervisor; `current` is None until it has once."""

    def __init__(self, offline_after_seconds: float) -> None:
        self._period = timedelta(seconds=offline_after_seconds)
        self.current: Watch | None = None

    async def look(self, connection: AsyncConnection[Any]) -> None:
        """Note that this registry listens, by the database's clock, and who is silent."""
        # Whoever locks the agents holds up heartbeats as well: then nobody listens.
        with suppress(LockNotAvailable):
            async with connection.transaction():
                await connection.execute(_PATIENCE)
                await self._judge(connection)

    async def _judge(self, connection: AsyncConnection[Any]) -> None:
        cursor = await connection.execute(_READ)
        row = await cursor.fetchone()
        assert row is not None, "the migration makes this row"
        now, known = row[0], Watch(*row[1:])
        count = await self._count(connection, known, now)
        judged = judge(known, count, now, self._period)
        written = await connection.execute(_WRITE, {**vars(judged), "known": known.noted_at})
        if written.rowcount:
            _tell(known, judged, count)
        self.current = judged

    async def _count(self, connection: AsyncConnection[Any], known: Watch, now: datetime) -> Count:
        before = {
            "late_before": now - self._period * LATE_SHARE,
            "due_before": now - self._period,
            "silent_before": known.silent_before,
        }
        cursor = await connection.execute(_COUNT, before)
        return Count(*(await cursor.fetchone() or (0, 0, 0)))


def _tell(known: Watch, judged: Watch, count: Count) -> None:
    if judged.judged_from != known.judged_from:
        log.info("nobody was listening until now: silence counts from %s on", judged.judged_from)
    if judged.held_until and not known.held_until:
        log.warning(
            "%d of %d agents fell silent at once: not called OFFLINE before %s",
            *(count.late, count.live, judged.held_until),
        )
    if known.held_until and not judged.held_until:
        log.warning("%s", end_of_hold(known, judged, count))
