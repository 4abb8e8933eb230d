"""What the database keeps of discovery: the targets served last, and the guard's one row."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString

from psycopg import AsyncConnection

from pulseguard_registry.discovery.guard import Hold, Left, Loss, Served
from pulseguard_registry.discovery.targets import Target

# Rows become objects on the event loop: a few at a time, so that nothing else waits for long.
ROWS_AT_ONCE = 500

_LOCK = """
SELECT now(), generation, held_since, held_until, held_targets, holds,
       released_at, released_by, released_targets
  FROM discovery_guard FOR UPDATE
"""
_SERVED = """
SELECT agent_id::text, metrics_address, name, instance, type, environment, team, labels, left_at
  FROM served_targets
"""
# PostgreSQL compares what was served with what there is: of ten thousand targets a few change.
_CHANGED = """
SELECT coalesce(id, agent_id)::text, now.metrics_address, now.name, now.instance, now.type,
       now.environment, now.team, now.labels, is_target, stopped_at, retired_at
  FROM (SELECT *, stopped_at IS NULL AND retired_at IS NULL AND metrics_address IS NOT NULL
                  AS is_target FROM agents) AS now
  FULL JOIN served_targets AS served ON agent_id = id
 WHERE CASE WHEN is_target
            THEN (now.metrics_address, now.name, now.instance, now.type,
                  now.environment, now.team, now.labels)
                 IS DISTINCT FROM
                 (served.metrics_address, served.name, served.instance, served.type,
                  served.environment, served.team, served.labels)
                 OR left_at IS NOT NULL
            ELSE agent_id IS NOT NULL END
"""
_REMOVE = "DELETE FROM served_targets WHERE agent_id = ANY(%s::uuid[])"
# Only what has changed comes here, and a changed target is a new one for Prometheus.
_STORE = """
INSERT INTO served_targets (agent_id, metrics_address, name, instance, type, environment, team,
                            labels, left_at)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                     %s::text[], %s::jsonb[], %s::timestamptz[])
    ON CONFLICT (agent_id) DO UPDATE
   SET metrics_address = excluded.metrics_address, name = excluded.name,
       instance = excluded.instance, type = excluded.type, environment = excluded.environment,
       team = excluded.team, labels = excluded.labels, left_at = excluded.left_at, since = now()
"""
# The id of the transaction, so that one which failed at its end is not taken for the next one.
_NOTE = """
UPDATE discovery_guard
   SET generation = greatest(generation + 1, %s + 1, pg_current_xact_id()::text::bigint),
       held_since = %s, held_until = %s, held_targets = %s, holds = %s
RETURNING generation
"""
# For every registry this is a change of the list, until one of them has decided.
_GRACE_ENDS = """
UPDATE versions SET value = pg_current_xact_id()::text::bigint
 WHERE name = 'targets' AND EXISTS (SELECT FROM discovery_guard WHERE held_until <= now())
"""


@dataclass(frozen=True)
class GuardRow:
    """The guard's row, and the database's time of reading it."""

    now: datetime
    generation: int
    held_since: datetime | None
    held_until: datetime | None
    held_targets: int
    holds: int
    released_at: datetime | None
    released_by: str | None
    released_targets: int | None

    @property
    def hold(self) -> Hold | None:
        """The fall that is held back, if one is."""
        if self.held_since is None or self.held_until is None:
            return None
        return Hold(self.held_since, self.held_until)


@dataclass(frozen=True)
class Changes:
    """What makes one Served of another in the table."""

    removed: list[str]
    stored: list[tuple[str, Target | None, datetime | None]]

    @classmethod
    def between(cls, before: Served, after: Served) -> Changes:
        """Targets and losses that have come, changed or gone."""
        gone = before.targets.keys() | before.lost.keys()
        gone -= after.targets.keys() | after.lost.keys()
        targets = [
            (agent, target, None)
            for agent, target in after.targets.items()
            # A tuple compares its parts even with itself.
            if (known := before.targets.get(agent)) is not target and known != target
        ]
        lost = [
            (agent, loss.target, loss.left_at)
            for agent, loss in after.lost.items()
            if before.lost.get(agent) != loss
        ]
        return cls(list(gone), [*targets, *lost])

    def __bool__(self) -> bool:
        return bool(self.removed or self.stored)


async def mark_end_of_grace(connection: AsyncConnection[Any]) -> None:
    """Have the list decided again where a grace time has ended."""
    await connection.execute(_GRACE_ENDS)


async def lock_guard(connection: AsyncConnection[Any]) -> GuardRow:
    """The guard's row, which no other registry changes until the end of the transaction."""
    cursor = await connection.execute(_LOCK)
    return GuardRow(*(await cursor.fetchone() or ()))


async def read_served(connection: AsyncConnection[Any], hold: Hold | None) -> Served:
    """What was served last."""
    targets, lost = {}, {}
    for agent, *columns, left_at in await _rows(connection, _SERVED):
        target = None if columns[0] is None else _target(agent, columns)
        if left_at is not None:
            lost[agent] = Loss(left_at, target)
        elif target is not None:
            targets[agent] = target
    return Served(targets, lost, hold)


async def read_inventory(
    connection: AsyncConnection[Any], served: Served
) -> tuple[dict[str, Target], list[Left]]:
    """The targets that there are now, by the id of their agent: those served, with the changes.
    And what was served and is no target now."""
    inventory, left = {**served.targets}, []
    for agent, *columns, is_target, stopped_at, retired_at in await _rows(connection, _CHANGED):
        if is_target:
            inventory[agent] = _target(agent, columns)
        else:
            inventory.pop(agent, None)
            left.append(Left(agent, stopped_at, retired_at))
    return inventory, left


async def keep(
    connection: AsyncConnection[Any], row: GuardRow, served: Served, changes: Changes, known: int
) -> int:
    """Store what is served now; returns its generation, above the `known` one."""
    if changes.removed:
        await connection.execute(_REMOVE, [changes.removed])
    if changes.stored:
        rows = [(agent, *_columns(target), left_at) for agent, target, left_at in changes.stored]
        await connection.execute(_STORE, [list(column) for column in zip(*rows, strict=True)])
    since, until = served.hold or (None, None)
    holds = row.holds + (served.hold is not None and row.hold is None)
    values = [known, since, until, len(served.held), holds]
    cursor = await connection.execute(_NOTE, values)
    noted = await cursor.fetchone()
    assert noted is not None, "the migration makes this row"
    return int(noted[0])


def _target(agent: str, columns: Sequence[Any]) -> Target:
    address, *others = columns
    return Target(address, agent, *others)


def _columns(target: Target | None) -> tuple[str | None, ...]:
    """As they are stored: of one that nobody knows any more, none."""
    if target is None:
        return (None,) * 7
    address, _, *others, labels = target
    return address, *others, json.dumps(labels)


async def _rows(connection: AsyncConnection[Any], query: LiteralString) -> list[tuple[Any, ...]]:
    cursor = await connection.execute(query)
    rows: list[tuple[Any, ...]] = []
    while some := await cursor.fetchmany(ROWS_AT_ONCE):
        rows += some
        await asyncio.sleep(0)
    return rows
