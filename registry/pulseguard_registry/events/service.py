"""Reads the events of an agent, and lets go of those whose time is over."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.orm import Session

from pulseguard_registry.events.models import AgentEvent
from pulseguard_registry.events.schemas import Event, EventFilters, EventPage


def list_events(session: Session, agent_id: uuid.UUID, filters: EventFilters) -> EventPage:
    """One page, the newest first."""
    query = select(AgentEvent).where(AgentEvent.agent_id == agent_id)
    if filters.kind:
        query = query.where(AgentEvent.kind.in_(filters.kind))
    if filters.since is not None:
        query = query.where(AgentEvent.at >= filters.since)
    if filters.until is not None:
        query = query.where(AgentEvent.at < filters.until)
    if filters.cursor is not None:
        query = query.where(AgentEvent.id < filters.cursor)
    rows = session.scalars(query.order_by(AgentEvent.id.desc()).limit(filters.limit + 1)).all()
    items = [Event.model_validate(row) for row in rows[: filters.limit]]
    return EventPage(items=items, next_cursor=items[-1].id if len(rows) > filters.limit else None)


def drop_old_events(connection: Connection, retention_days: int) -> None:
    """Delete what happened longer ago than that."""
    oldest = func.now() - timedelta(days=retention_days)
    connection.execute(delete(AgentEvent).where(AgentEvent.at < oldest))
