"""One statement that stores a whole batch of heartbeats and snapshots: one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection

from pulseguard_registry.snapshots.schemas import Snapshot
from pulseguard_registry.snapshots.table import COLUMNS, values_of


@dataclass(frozen=True, slots=True)
class Write:
    """What one request wants stored: a heartbeat (state is not None), snapshots, or both.

    `environment` and `team` are the bound of its key; None is no bound. `process` is the one that
    beats; None where it does not say.
    """

    agent_id: uuid.UUID
    environment: str | None
    team: str | None
    state: str | None
    goodbye: bool
    snapshots: Sequence[Snapshot]
    process: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a Write: `found` within its bound, and how many snapshots were new.

    Of these `late` came for a day that has no partition, which is before yesterday.
    `is_maintained`: work on the agent is planned until later.
    """

    found: bool
    stored: int
    late: int = 0
    is_maintained: bool = False


_COLUMN_NAMES = ", ".join(name for name, _ in COLUMNS)
_COLUMN_ARRAYS = ", ".join(f"%({name})s::{kind}[]" for name, kind in COLUMNS)

# For a connection that stores: statistics of a young table say that it holds hardly a row, and the
# plan kept for all batches would then look through all agents for each write. And all who wait for
# a batch wait for the lock of one agent.
FOR_STORING = "SET enable_seqscan = off; SET lock_timeout = '1s'"

# An agent that takes what is asked, within the bound of the key.
_TAKES = """agents.retired_at IS NULL
       AND (agents.stopped_at IS NULL OR asked.goodbye OR asked.state IS NULL)
       AND (asked.environment IS NULL OR asked.environment = agents.environment)
       AND (asked.team IS NULL OR asked.team = agents.team)"""


# Rows are locked in the order of their ids, so that two registries never wait for each other. Not
# FOR UPDATE: whoever writes an event or an alert locks its agent FOR KEY SHARE, by a foreign key
# which wants no more than that the id stays, and the two would wait for each other.
# The last heartbeat of an agent in the batch counts; a snapshot that exists is left as it is.
# After a goodbye only registering brings an agent back: the one that still beats may be another
# process of the same identity, with another address. Of several processes in one batch the newest
# counts, whatever their order: one never heard before, then the one that beat last, then one that
# another has followed. The last is what a relay may hold back of a dead one. That it comes back is
# noted all the same (`returned`): else two whose heartbeats always come together would not be told.
# The goodbye of another process than the one that beat last stops nobody: in a rolling restart the
# new one beats before the old one ends. `named` tells whether it was itself the last to beat in the
# batch, and is worked out for such goodbyes only.
def _statement(locking: str, more: str = "") -> str:
    return f"""
WITH asked AS (
    SELECT * FROM unnest(%(position)s::int[], %(agent_id)s::uuid[], %(environment)s::text[],
                         %(team)s::text[], %(state)s::text[], %(goodbye)s::bool[],
                         %(process)s::text[])
        AS t(position, agent_id, environment, team, state, goodbye, process)
), allowed AS MATERIALIZED (
    SELECT asked.position, agents.id, asked.state, asked.goodbye, asked.process,
           coalesce(asked.process <> agents.process, false) AS is_another,
           -- Looked up for the few that are another's.
           CASE WHEN asked.process <> agents.process THEN EXISTS (
               SELECT FROM agent_processes
                WHERE agent_id = agents.id AND asked.process IN (former, marked)
           ) ELSE false END AS is_followed,
           agents.maintenance_until > now() AS is_maintained
      FROM agents JOIN asked ON asked.agent_id = agents.id
     WHERE {_TAKES}
     ORDER BY agents.id
       {locking}
), named AS (
    SELECT position,
           max(position) FILTER (WHERE NOT goodbye)
               OVER (PARTITION BY id, process ORDER BY position) AS beaten_by_itself,
           max(position) FILTER (WHERE NOT goodbye)
               OVER (PARTITION BY id ORDER BY position) AS beaten_by_any
      FROM allowed WHERE state IS NOT NULL AND process IS NOT NULL
), last_beat AS (
    SELECT DISTINCT ON (id) id, state, goodbye, process FROM allowed
     WHERE state IS NOT NULL
       AND (NOT goodbye OR NOT is_another OR position IN (
               SELECT position FROM named WHERE beaten_by_itself = beaten_by_any))
     ORDER BY id, is_followed, is_another DESC, position DESC
), returned AS (
    UPDATE agent_processes SET returned_at = now()
      FROM allowed
     WHERE is_followed AND NOT goodbye AND agent_id = allowed.id AND marked = allowed.process
), beaten AS (
    UPDATE agents SET last_seen_at = now(), state = last_beat.state,
                      stopped_at = CASE WHEN last_beat.goodbye THEN now() END,
                      process = CASE WHEN last_beat.goodbye THEN NULL
                                     ELSE coalesce(last_beat.process, agents.process) END
      FROM last_beat WHERE agents.id = last_beat.id
), given AS (
    SELECT * FROM unnest(%(owner)s::int[], {_COLUMN_ARRAYS}) AS t(owner, {_COLUMN_NAMES})
), stored AS (
    INSERT INTO ai_metrics (agent_id, {_COLUMN_NAMES})
    SELECT allowed.id, {", ".join("given." + name for name, _ in COLUMNS)}
      FROM given JOIN allowed ON allowed.position = given.owner
    ON CONFLICT DO NOTHING
    RETURNING agent_id, taken_at, tableoid = 'ai_metrics_default'::regclass AS is_late
)
SELECT NULL::int AS position, agent_id, taken_at, is_late, NULL::bool AS is_maintained FROM stored
UNION ALL
SELECT position, id, NULL, NULL, is_maintained FROM allowed
{more}"""


_STORE = _statement("FOR NO KEY UPDATE OF agents")
# The same for the agents whose rows nobody holds; which others there are is told without an id.
_STORE_UNLOCKED = _statement(
    "FOR NO KEY UPDATE OF agents SKIP LOCKED",
    f"""
UNION ALL
SELECT asked.position, NULL, NULL, NULL, NULL
  FROM agents JOIN asked ON asked.agent_id = agents.id
 WHERE asked.position NOT IN (SELECT position FROM allowed) AND {_TAKES}
""",
)


async def store(connection: AsyncConnection[Any], writes: Sequence[Write]) -> list[Outcome]:
    """Store a batch on a connection in autocommit mode; on return it is durable.

    LockNotAvailable, and nothing stored, where an agent's row is locked for longer than
    `FOR_STORING` lets it wait.
    """
    outcomes, _ = await _stored(connection, _STORE, writes)
    return outcomes


async def store_unlocked(
    connection: AsyncConnection[Any], writes: Sequence[Write]
) -> list[Outcome | None]:
    """As `store`, without waiting for an agent's row: of one that is locked nothing is stored, and
    None is returned."""
    outcomes, locked = await _stored(connection, _STORE_UNLOCKED, writes)
    return [None if index in locked else outcome for index, outcome in enumerate(outcomes)]


async def _stored(
    connection: AsyncConnection[Any], statement: str, writes: Sequence[Write]
) -> tuple[list[Outcome], set[int]]:
    """The outcomes, and the positions of those whose agents are locked."""
    cursor = await connection.execute(statement, _arrays(writes))
    maintained: dict[int, bool | None] = {}
    stored: dict[tuple[uuid.UUID, datetime], bool] = {}
    locked: set[int] = set()
    for position, agent_id, taken_at, is_late, is_maintained in await cursor.fetchall():
        if position is None:
            stored[agent_id, taken_at] = is_late
        elif agent_id is None:
            locked.add(position)
        else:
            maintained[position] = is_maintained
    outcomes = [
        _outcome(write, index in maintained, maintained.get(index) is True, stored)
        for index, write in enumerate(writes)
    ]
    return outcomes, locked


def _outcome(
    write: Write,
    found: bool,
    is_maintained: bool,
    stored: dict[tuple[uuid.UUID, datetime], bool],
) -> Outcome:
    # Taken out: of two the same in one batch, one was stored and the other repeated.
    new = [stored.pop((write.agent_id, snapshot.taken_at), None) for snapshot in write.snapshots]
    return Outcome(found, len(new) - new.count(None), new.count(True), is_maintained)


def _arrays(writes: Sequence[Write]) -> dict[str, str]:
    arrays = {
        "position": _plain_array(range(len(writes))),
        "agent_id": _plain_array([write.agent_id for write in writes]),
        "environment": _text_array([write.environment for write in writes]),
        "team": _text_array([write.team for write in writes]),
        "state": _text_array([write.state for write in writes]),
        "goodbye": _plain_array([write.goodbye for write in writes]),
        "process": _text_array([write.process for write in writes]),
        "owner": _plain_array([i for i, write in enumerate(writes) for _ in write.snapshots]),
    }
    rows = [values_of(snapshot) for write in writes for snapshot in write.snapshots]
    columns = zip(*rows, strict=True) if rows else ([] for _ in COLUMNS)
    for (name, kind), column in zip(COLUMNS, columns, strict=True):
        arrays[name] = _plain_array(column) if kind in _PLAIN_KINDS else _text_array(column)
    return arrays


_PLAIN_KINDS = ("int8", "float8")


# PostgreSQL's own writing of arrays: psycopg looks at each value anew, which costs more than all
# the rest of a batch.
def _plain_array(values: Iterable[object]) -> str:
    """Of values whose text holds nothing but letters, digits, signs and dots."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def _text_array(values: Iterable[object]) -> str:
    """Of values whose text may hold anything."""
    return "{" + ",".join(["NULL" if value is None else _quoted(value) for value in values]) + "}"


def _quoted(value: object) -> str:
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
