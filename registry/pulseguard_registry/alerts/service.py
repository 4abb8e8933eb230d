"""Stores what Alertmanager tells, each thing once, and reads it back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from pulseguard_registry.agents.models import Agent
from pulseguard_registry.alerts import models
from pulseguard_registry.alerts.schemas import Alert, AlertFilters, AlertPage, NotifiedAlert

# A notification of this is a repetition, whatever else it says.
IDENTITY = ("fingerprint", "starts_at", "status")
# What is filtered by is indexed, and an entry of an index has its limit in PostgreSQL.
_NAME_CHARACTERS = 200


def store_alerts(session: Session, alerts: list[NotifiedAlert]) -> int:
    """Store those that are not stored yet, all in this transaction; returns how many."""
    if not alerts:
        return 0
    known = _known_agents(session, alerts)
    # In one order, so that two notifications at once cannot wait for one another.
    ordered = sorted(alerts, key=lambda alert: [getattr(alert, name) for name in IDENTITY])
    statement = (
        insert(models.Alert)
        .on_conflict_do_nothing(index_elements=IDENTITY)
        .returning(models.Alert.id)
    )
    return len(session.execute(statement, [_row(alert, known) for alert in ordered]).all())


def list_alerts(session: Session, filters: AlertFilters) -> AlertPage:
    """One page of the history, what was received last coming first."""
    query = select(models.Alert).order_by(models.Alert.id.desc()).limit(filters.limit + 1)
    for name in ("status", "agent_id", "alertname"):
        if (value := getattr(filters, name)) is not None:
            query = query.where(getattr(models.Alert, name) == value)
    if filters.status == "firing":
        query = query.where(~_end_is_known())
    if filters.cursor is not None:
        query = query.where(models.Alert.id < filters.cursor)
    rows = session.scalars(query).all()
    items = [Alert.model_validate(row) for row in rows[: filters.limit]]
    return AlertPage(items=items, next_cursor=items[-1].id if len(rows) > filters.limit else None)


def _end_is_known() -> ColumnElement[bool]:
    """Whether the history has the end of an alert that began to fire."""
    end = aliased(models.Alert)
    same = [
        getattr(end, name) == getattr(models.Alert, name) for name in ("fingerprint", "starts_at")
    ]
    return exists().where(*same, end.status == "resolved")


def _known_agents(session: Session, alerts: Iterable[NotifiedAlert]) -> set[uuid.UUID]:
    named = {agent for alert in alerts if (agent := _agent_id(alert)) is not None}
    return set(session.scalars(select(Agent.id).where(Agent.id.in_(named))))


# Any: the values of a row.
def _row(alert: NotifiedAlert, known: set[uuid.UUID]) -> dict[str, Any]:
    agent_id = _agent_id(alert)
    return {
        **alert.model_dump(),
        "alertname": alert.labels.get("alertname", "")[:_NAME_CHARACTERS],
        "severity": alert.labels.get("severity", "")[:_NAME_CHARACTERS],
        "agent_id": agent_id if agent_id in known else None,
    }


def _agent_id(alert: NotifiedAlert) -> uuid.UUID | None:
    """The label as an id; alerts of other jobs have none, or something else under that name."""
    try:
        return uuid.UUID(alert.labels.get("agent_id", ""))
    except ValueError:
        return None
