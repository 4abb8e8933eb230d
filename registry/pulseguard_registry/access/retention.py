"""Ends the own keys that nobody uses, and lets go of keys that have ended long ago."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, ScalarSelect, delete, func, select, update
from sqlalchemy.orm import Session, aliased

from pulseguard_registry.access.models import ApiKey
from pulseguard_registry.audit.recording import record_upkeep


def end_unused_own_keys(session: Session, days: int) -> int:
    """End the own keys of agents that were not used for so many days by the database's clock; 0:
    never. Returns how many; they are refused within a second, as those that an admin ends, and
    each leaves a record."""
    if not days:
        return 0
    used_at = func.greatest(ApiKey.created_at, ApiKey.last_used_at)
    unused = used_at < func.now() - timedelta(days=days)
    valid = ApiKey.revoked_at.is_(None)
    in_order = _in_order(ApiKey.agent_id.is_not(None) & valid & unused)
    ended = session.scalars(
        update(ApiKey)
        .where(ApiKey.id.in_(in_order))
        .values(revoked_at=func.now())
        .returning(ApiKey.id)
        .execution_options(synchronize_session=False)
    ).all()
    record_upkeep(session, "/keys/{key_id}", ended)
    return len(ended)


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
