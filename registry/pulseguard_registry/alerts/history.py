"""Reads the history of alerts: by pages, and one entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping, Select, and_, select
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

# Not as mapped objects, which take twice as long to read. By name what an Acknowledged has.
_COLUMNS = (
    *Entry.__table__.columns,
    Acknowledgement.key_name.label("by"),
    Acknowledgement.key_id,
    Acknowledgement.acknowledged_at.label("at"),
    Acknowledgement.note,
)
# Any: rows of mixed columns.
_Query = Select[*tuple[Any, ...]]


def list_alerts(session: Session, filters: AlertFilters, running_seconds: float) -> AlertPage:
    """One page of the history, what was received last coming first.

    `running_seconds` is how long this registry has been there to be told.
    """
    query = _chosen(filters, running_seconds).order_by(Entry.id.desc())
    rows = session.execute(query.limit(filters.limit + 1)).mappings().all()
    items = [_shown(row) for row in rows[: filters.limit]]
    return AlertPage(items=items, next_cursor=items[-1].id if len(rows) > filters.limit else None)


def read_alert(session: Session, entry_id: int, running_seconds: float) -> Alert:
    """One entry; a 404 problem where there is none."""
    query = _entries(running_seconds).where(Entry.id == entry_id)
    row = session.execute(query).mappings().one_or_none()
    if row is None:
        raise Problem(
            404,
            f"there is no alert {entry_id}, or its time is over"
            " (PULSEGUARD_ALERT_RETENTION_DAYS); GET /api/v1/alerts lists those that there are",
        )
    return _shown(row)


def _entries(running_seconds: float) -> _Query:
    shown = select(*_COLUMNS, fires(running_seconds).label("fires"))
    return shown.outerjoin_from(Entry, Acknowledgement, _OF_SAME)


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


def _shown(row: RowMapping) -> Alert:
    told = {
        "is_test": is_test(row["labels"]),
        "agent_then": _then(row["agent_then"]),
        "acknowledged": _acknowledged(row),
    }
    return Alert.model_validate({**row, **told})


def _acknowledged(row: RowMapping) -> Acknowledged | None:
    if row["at"] is None:
        return None
    return Acknowledged(**{name: row[name] for name in Acknowledged.model_fields})


# Any: mixed values.
def _then(kept: Mapping[str, Any] | None) -> AgentThen | None:
    if kept is None:
        return None
    taken = kept["snapshot"]
    snapshot = None if taken is None else snapshot_of(taken)
    return AgentThen(version=kept["version"], status=kept["status"], snapshot=snapshot)
