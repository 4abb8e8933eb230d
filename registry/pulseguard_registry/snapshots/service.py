"""Reads snapshots."""

from __future__ import annotations

import uuid

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


def read_snapshots(session: Session, agent_id: uuid.UUID, query: SnapshotQuery) -> SnapshotPage:
    """The newest first; the page ends with where the next one begins."""
    limit = query.limit or (1 if query.start is None and query.end is None else 100)
    bounds = {"agent_id": agent_id, "start": query.start, "end": query.end, "limit": limit + 1}
    rows = session.execute(_SELECT, bounds).mappings().all()
    items = [snapshot_of(dict(row)) for row in rows[:limit]]
    return SnapshotPage(
        agent_id=agent_id,
        items=items,
        next_to=items[-1].taken_at if len(rows) > limit else None,
    )
