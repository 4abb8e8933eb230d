"""Reads snapshots."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from pulseguard_registry.snapshots.schemas import SnapshotPage, SnapshotQuery
from pulseguard_registry.snapshots.table import snapshot_of

_SELECT = text(
    """
    SELECT * FROM ai_metrics
     WHERE agent_id = :agent_id
       AND taken_at >= coalesce(:start, '-infinity'::timestamptz)
       AND taken_at < coalesce(:end, 'infinity'::timestamptz)
     ORDER BY taken_at DESC LIMIT :limit
    """
)

# Whatever counts from later than the newest does was taken later than that: one row is looked at
# where clocks are right, else those of a day at most.
_LATEST = text(
    """
    SELECT taken_at FROM ai_metrics
     WHERE agent_id = :agent_id
       AND taken_at >= (SELECT least(taken_at, received_at) FROM ai_metrics
                         WHERE agent_id = :agent_id ORDER BY taken_at DESC LIMIT 1)
     ORDER BY least(taken_at, received_at) DESC, taken_at DESC LIMIT 1
    """
)
_TICK = timedelta(microseconds=1)


def read_snapshots(session: Session, agent_id: uuid.UUID, query: SnapshotQuery) -> SnapshotPage:
    """The newest first; the page ends with where the next one begins.

    The latest one is that which tells of the latest time that has come: one of a clock that was
    ahead counts from when it came, or it would hide what the agent sends once its clock is right.
    """
    has_range = query.start is not None or query.end is not None
    limit = query.limit or (100 if has_range else 1)
    end = query.end if has_range or limit > 1 else _after_latest(session, agent_id)
    bounds = {"agent_id": agent_id, "start": query.start, "end": end, "limit": limit + 1}
    rows = session.execute(_SELECT, bounds).mappings().all()
    items = [snapshot_of(dict(row)) for row in rows[:limit]]
    return SnapshotPage(
        agent_id=agent_id,
        items=items,
        next_to=items[-1].taken_at if len(rows) > limit else None,
    )


def _after_latest(session: Session, agent_id: uuid.UUID) -> datetime | None:
    taken_at: datetime | None = session.execute(
        _LATEST, {"agent_id": agent_id}
    ).scalar_one_or_none()
    return None if taken_at is None else taken_at + _TICK
