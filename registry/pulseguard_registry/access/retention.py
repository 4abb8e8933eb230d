"""Ends the own keys that nobody uses, and lets go of keys that have ended long ago."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, ScalarSelect, delete, func, select, update
from sqlalchemy.orm import aliased

from pulseguard_registry.access.models import ApiKey


def end_unused_own_keys(connection: Connection, days: int) -> int:
    """End the own keys of agents that were not used for so many days by the database's clock; 0:
    never. Returns how many; they are refused within a second, as those that an admin ends."""
    if not days:
        return 0
    used_at = func.greatest(ApiKey.created_at, ApiKey.last_used_at)
    unused = used_at < func.now() - timedelta(days=days)
    valid = ApiKey.revoked_at.is_(None)
    query = update(ApiKey).values(revoked_at=func.now())
    in_order = _in_order(ApiKey.agent_id.is_not(None) & valid & unused)
    return connection.execute(query.where(ApiKey.id.in_(in_order))).rowcount


def drop_ended_keys(connection: Connection, retention_days: int) -> None:
    """Delete what ended, by being revoked or by its time, longer ago than that.

    One of role enrolment stays as long as any that it made: it ends them, and they go with it.
    """
    ended_at = func.least(ApiKey.revoked_at, ApiKey.expires_at)
    outlived = ended_at < func.now() - timedelta(days=retention_days)
    made = aliased(ApiKey)
    has_made = select(made.id).where(made.enrolled_by == ApiKey.id).exists()
    connection.execute(delete(ApiKey).where(ApiKey.id.in_(_in_order(outlived & ~has_made))))


def _in_order(which: ColumnElement[bool]) -> ScalarSelect[uuid.UUID]:
    # As everybody locks keys; what somebody else changes is for the next time.
    query = select(ApiKey.id).where(which).order_by(ApiKey.id)
    return query.with_for_update(skip_locked=True).scalar_subquery()
