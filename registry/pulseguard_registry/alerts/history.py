"""Reads the history of alerts: by pages, and one entry."""

from __future__ import annotations

from sqlalchemy import Row, Select, and_, select
from sqlalchemy.orm import Session

from pulseguard_registry.alerts.entries import (
    Acknowledged,
    AgentThen,
    Alert,
    AlertFilters,
    AlertPage,
)
from pulseguard_registry.alerts.firing import fires
from pulseguard_registry.alerts.marks import is_test
from pulseguard_registry.alerts.models import Acknowledgement
from pulseguard_registry.alerts.models import Alert as Entry
from pulseguard_registry.problems import Problem
from pulseguard_registry.snapshots.table import snapshot_of

_EQUAL = ("status", "agent_id", "alertname", "severity", "agent_name", "environment", "team")
_OF_SAME = and_(
    Acknowledgement.fingerprint == Entry.fingerprint, Acknowledgement.starts_at == Entry.starts_at
)

# The second may be None.
_Query = Select[Entry, Acknowledgement, bool]
_Found = Row[Entry, Acknowledgement, bool]


def list_alerts(session: Session, filters: AlertFilters, running_seconds: float) -> AlertPage:
    """One page of the history, what was received last coming first.

    `running_seconds` is how long this registry has been there to be told.
    """
    query = _chosen(filters, running_seconds).order_by(Entry.id.desc())
    rows = session.execute(query.limit(filters.limit + 1)).all()
    items = [_shown(row) for row in rows[: filters.limit]]
    return AlertPage(items=items, next_cursor=items[-1].id if len(rows) > filters.limit else None)


def read_alert(session: Session, entry_id: int, running_seconds: float) -> Alert:
    """One entry; a 404 problem where there is none."""
    row = session.execute(_entries(running_seconds).where(Entry.id == entry_id)).one_or_none()
    if row is None:
        raise Problem(
            404,
            f"there is no alert {entry_id}, or its time is over"
            " (PULSEGUARD_ALERT_RETENTION_DAYS); GET /api/v1/alerts lists those that there are",
        )
    return _shown(row)


def _entries(running_seconds: float) -> _Query:
    return select(Entry, Acknowledgement, fires(running_seconds)).outerjoin(
        Acknowledgement, _OF_SAME
    )


def _chosen(filters: AlertFilters, running_seconds: float) -> _Query:
    query = _entries(running_seconds)
    for name in _EQUAL:
        if (value := getattr(filters, name)) is not None:
            query = query.where(getattr(Entry, name) == value)
    if filters.status == "firing":
        query = query.where(fires(running_seconds))
    if filters.acknowledged is not None:
        nobody = Acknowledgement.fingerprint.is_(None)
        query = query.where(~nobody if filters.acknowledged else nobody)
    if filters.since is not None:
        query = query.where(Entry.starts_at >= filters.since)
    if filters.until is not None:
        query = query.where(Entry.starts_at < filters.until)
    if filters.cursor is not None:
        query = query.where(Entry.id < filters.cursor)
    return query


def _shown(row: _Found) -> Alert:
    entry, seen, is_firing = row
    columns = {column.key: getattr(entry, column.key) for column in entry.__mapper__.columns}
    told = {
        "fires": is_firing,
        "is_test": is_test(entry.labels),
        "agent_then": _then(entry),
        "acknowledged": None if seen is None else shown_acknowledgement(seen),
    }
    return Alert.model_validate(columns | told)


def shown_acknowledgement(seen: Acknowledgement) -> Acknowledged:
    """An acknowledgement on the wire."""
    return Acknowledged(
        by=seen.key_name, key_id=seen.key_id, at=seen.acknowledged_at, note=seen.note
    )


def _then(entry: Entry) -> AgentThen | None:
    kept = entry.agent_then
    if kept is None:
        return None
    taken = kept["snapshot"]
    snapshot = None if taken is None else snapshot_of(taken)
    return AgentThen(version=kept["version"], status=kept["status"], snapshot=snapshot)
