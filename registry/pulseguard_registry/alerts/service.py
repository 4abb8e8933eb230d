"""Stores what Alertmanager tells, each thing once, and reads it back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Integer, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from pulseguard_registry.agents.models import Agent
from pulseguard_registry.alerts import models
from pulseguard_registry.alerts.firing import fires
from pulseguard_registry.alerts.schemas import Alert, AlertFilters, AlertPage, NotifiedAlert

# A notification of this is a repetition, whatever else it says.
IDENTITY = ("fingerprint", "starts_at", "status")
# What is filtered by is indexed, and an entry of an index has its limit in PostgreSQL.
_NAME_CHARACTERS = 200
# PostgreSQL's mark of a row that this transaction has made and not merely changed.
_IS_NEW = literal_column("(alerts.xmax = 0)::int", Integer)


def store_alerts(session: Session, alerts: list[NotifiedAlert]) -> int:
    """Store those that are not stored yet, all in this transaction; returns how many.

    Of those that are, only the time is kept at which they were told last.
    """
    # No statement of PostgreSQL changes a row twice.
    unique = {tuple(getattr(alert, name) for name in IDENTITY): alert for alert in alerts[::-1]}
    if not unique:
        return 0
    known = _known_agents(session, unique.values())
    # In one order, so that two notifications at once cannot wait for one another: first that in
    # which heartbeats lock agents, by what the alert says, whether the agent is known or not.
    ordered = sorted(unique, key=lambda identity: (_agent_order(unique[identity]), identity))
    rows = [_row(unique[identity], known) for identity in ordered]
    statement = insert(models.Alert)
    told = statement.on_conflict_do_update(
        index_elements=IDENTITY, set_={"last_told_at": func.now()}
    ).returning(_IS_NEW)
    return sum(session.execute(told, rows).scalars())


def list_alerts(session: Session, filters: AlertFilters, running_seconds: float) -> AlertPage:
    """One page of the history, what was received last coming first.

    `running_seconds` is how long this registry has been there to be told.
    """
    is_firing = fires(running_seconds)
    query = select(models.Alert, is_firing).order_by(models.Alert.id.desc())
    for name in ("status", "agent_id", "alertname"):
        if (value := getattr(filters, name)) is not None:
            query = query.where(getattr(models.Alert, name) == value)
    if filters.status == "firing":
        query = query.where(is_firing)
    if filters.cursor is not None:
        query = query.where(models.Alert.id < filters.cursor)
    rows = session.execute(query.limit(filters.limit + 1)).all()
    items = [_entry(row, is_firing) for row, is_firing in rows[: filters.limit]]
    return AlertPage(items=items, next_cursor=items[-1].id if len(rows) > filters.limit else None)


def _entry(row: models.Alert, is_firing: bool) -> Alert:
    columns = {column.key: getattr(row, column.key) for column in row.__mapper__.columns}
    return Alert.model_validate(columns | {"fires": is_firing})


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


def _agent_order(alert: NotifiedAlert) -> int:
    agent_id = _agent_id(alert)
    return -1 if agent_id is None else agent_id.int


def _agent_id(alert: NotifiedAlert) -> uuid.UUID | None:
    """The label as an id; alerts of other jobs have none, or something else under that name."""
    try:
        return uuid.UUID(alert.labels.get("agent_id", ""))
    except ValueError:
        return None
