"""Stores what Alertmanager tells, each thing once, and reads it back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from pulseguard_registry.agents.models import Agent
from pulseguard_registry.alerts import models
from pulseguard_registry.alerts.firing import fires
from pulseguard_registry.alerts.schemas import Alert, AlertFilters, AlertPage, NotifiedAlert

# A notification of this is a repetition, whatever else it says.
IDENTITY = ("fingerprint", "starts_at", "status")
# What is filtered by is indexed, and an entry of an index has its limit in PostgreSQL.
_NAME_CHARACTERS = 200
# All rows as one value: thousands of parameters take longer to write down than to store.
# xmax is PostgreSQL's mark of a row that this transaction has made and not merely changed.
_STORE = text("""
WITH told AS (
    INSERT INTO alerts (fingerprint, status, alertname, severity, agent_id, labels, annotations,
                        starts_at, ends_at, generator_url)
    SELECT fingerprint, status, alertname, severity, agent_id, labels, annotations,
           starts_at, ends_at, generator_url
      FROM ROWS FROM (jsonb_to_recordset(CAST(:alerts AS jsonb)) AS (
               fingerprint text, status text, alertname text, severity text, agent_id uuid,
               labels jsonb, annotations jsonb, starts_at timestamptz, ends_at timestamptz,
               generator_url text)) WITH ORDINALITY
     ORDER BY ordinality
    ON CONFLICT (fingerprint, starts_at, status) DO UPDATE SET last_told_at = now()
    RETURNING (xmax = 0)::int AS is_new
)
SELECT coalesce(sum(is_new), 0) FROM told
""")


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
    return int(session.execute(_STORE, {"alerts": json.dumps(rows)}).scalar_one())


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


# Any: the values of a row, as JSON has them.
def _row(alert: NotifiedAlert, known: set[uuid.UUID]) -> dict[str, Any]:
    agent_id = _agent_id(alert)
    return {
        **alert.model_dump(mode="json"),
        "alertname": alert.labels.get("alertname", "")[:_NAME_CHARACTERS],
        "severity": alert.labels.get("severity", "")[:_NAME_CHARACTERS],
        "agent_id": str(agent_id) if agent_id in known else None,
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
