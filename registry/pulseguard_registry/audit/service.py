"""Lists audit records, and drops those whose time is over."""

from __future__ import annotations

from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from pulseguard_registry.audit.models import AuditRecord
from pulseguard_registry.audit.schemas import AuditFilters, AuditPage, Record


def list_records(session: Session, filters: AuditFilters) -> AuditPage:
    """One page of the records, the newest first."""
    query = select(AuditRecord).order_by(AuditRecord.id.desc())
    for name in ("key_id", "object_type", "object_id"):
        if (value := getattr(filters, name)) is not None:
            query = query.where(getattr(AuditRecord, name) == value)
    if filters.since is not None:
        query = query.where(AuditRecord.recorded_at >= filters.since)
    if filters.until is not None:
        query = query.where(AuditRecord.recorded_at < filters.until)
    if filters.cursor is not None:
        query = query.where(AuditRecord.id < filters.cursor)
    rows = session.scalars(query.limit(filters.limit + 1)).all()
    items = [Record.model_validate(row) for row in rows[: filters.limit]]
    return AuditPage(items=items, next_cursor=items[-1].id if len(rows) > filters.limit else None)


# What another registry drops just now is left to it.
_DROP = text(
    """
    DELETE FROM audit_records WHERE id IN (
        SELECT id FROM audit_records WHERE recorded_at < now() - make_interval(days => :days)
         ORDER BY recorded_at LIMIT :most FOR UPDATE SKIP LOCKED
    )
    """
)


def drop_outlived_records(connection: Connection, retention_days: int, most: int) -> None:
    """Delete records that are older than this, the oldest first and at most so many.

    PostgreSQL refuses every other deletion.
    """
    connection.execute(
        text("SELECT set_config('pulseguard.audit_retention_days', (:days)::text, true)"),
        {"days": retention_days},
    )
    connection.execute(_DROP, {"days": retention_days, "most": most})
