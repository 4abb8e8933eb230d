"""Stores what Alertmanager tells, each thing once, with the agent as it was then."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from pulseguard import catalog
from pulseguard_registry.agents.models import Agent
from pulseguard_registry.alerts.marks import is_watchdog
from pulseguard_registry.alerts.schemas import NotificationReceipt, NotifiedAlert
from pulseguard_registry.alerts.watchdog import note_watchdog

# A notification of this is a repetition, whatever else it says.
IDENTITY = ("fingerprint", "starts_at", "status")
# What is filtered by is indexed, and an entry of an index has its limit in PostgreSQL.
_NAME_CHARACTERS = 200
# All rows as one value: thousands of parameters take longer to write down than to store.
# xmax is PostgreSQL's mark of a row that this transaction has made and not merely changed.
#
# The agent as it was when the alert began, by its events and its snapshots: an alert that is told
# late, after an outage, is not joined with what came in between. Where its other entry or itself
# was told before, that one has it. A snapshot of a clock that is ahead counts from when it came.
_STORE = text("""
WITH told AS (
    INSERT INTO alerts (fingerprint, status, alertname, severity, agent_id, agent_name, environment,
                        team, labels, annotations, starts_at, ends_at, generator_url, agent_then)
    SELECT new.fingerprint, new.status, alertname, severity, new.agent_id,
           coalesce(nullif(new.agent_name, ''), agents.name, ''),
           coalesce(nullif(new.environment, ''), agents.environment, ''),
           coalesce(nullif(new.team, ''), agents.team, ''),
           new.labels, annotations, new.starts_at, ends_at, generator_url,
           CASE WHEN agents.id IS NOT NULL THEN coalesce(
               (SELECT agent_then FROM alerts AS known
                 WHERE known.fingerprint = new.fingerprint AND known.starts_at = new.starts_at
                   AND agent_then IS NOT NULL LIMIT 1),
               jsonb_build_object(
                   'version', coalesce(
                       (SELECT was FROM agent_events
                         WHERE agent_id = agents.id AND at > new.starts_at
                           AND kind = 'version_changed' ORDER BY at, id LIMIT 1),
                       agents.version),
                   'status', coalesce(
                       (SELECT became FROM agent_events
                         WHERE agent_id = agents.id AND at <= new.starts_at
                           AND kind = 'status_changed' ORDER BY at DESC, id DESC LIMIT 1),
                       (SELECT was FROM agent_events
                         WHERE agent_id = agents.id AND at > new.starts_at
                           AND kind = 'status_changed' ORDER BY at, id LIMIT 1),
                       (SELECT status FROM agent_told WHERE agent_id = agents.id),
                       'UNKNOWN'),
                   'snapshot',
                       (SELECT to_jsonb(taken) - 'agent_id' FROM ai_metrics AS taken
                         WHERE agent_id = agents.id
                           AND taken_at < new.starts_at + interval '1 day'
                           AND least(taken_at, received_at) <= new.starts_at
                         ORDER BY taken_at DESC LIMIT 1)))
           END
      FROM ROWS FROM (jsonb_to_recordset(CAST(:alerts AS jsonb)) AS (
               fingerprint text, status text, alertname text, severity text, agent_id uuid,
               agent_name text, environment text, team text, labels jsonb, annotations jsonb,
               starts_at timestamptz, ends_at timestamptz, generator_url text))
           WITH ORDINALITY AS new
           LEFT JOIN agents ON agents.id = new.agent_id
     ORDER BY ordinality
    ON CONFLICT (fingerprint, starts_at, status) DO UPDATE SET last_told_at = now()
    RETURNING (xmax = 0)::int AS is_new
)
SELECT coalesce(sum(is_new), 0) FROM told
""")
# Beside the labels, what is filtered by: the column, and the label that it comes from.
_BESIDE = {
    "alertname": "alertname",
    "severity": "severity",
    "agent_name": catalog.LABEL_AGENT,
    "environment": catalog.LABEL_ENVIRONMENT,
    "team": catalog.LABEL_TEAM,
}


def take_notification(session: Session, alerts: list[NotifiedAlert]) -> NotificationReceipt:
    """Store what was told, and note that the dead man's switch was, which is no alert."""
    about_something = [alert for alert in alerts if not is_watchdog(alert.labels)]
    if any(is_watchdog(alert.labels) and alert.status == "firing" for alert in alerts):
        note_watchdog(session)
    stored = store_alerts(session, about_something)
    session.execute(select(func.nextval("notifications_told")))
    return NotificationReceipt(stored=stored, repeated=len(about_something) - stored)


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


def _known_agents(session: Session, alerts: Iterable[NotifiedAlert]) -> set[uuid.UUID]:
    named = {agent for alert in alerts if (agent := _agent_id(alert)) is not None}
    return set(session.scalars(select(Agent.id).where(Agent.id.in_(named))))


# Any: the values of a row, as JSON has them.
def _row(alert: NotifiedAlert, known: set[uuid.UUID]) -> dict[str, Any]:
    agent_id, beside = _agent_id(alert), _BESIDE.items()
    return {
        **alert.model_dump(mode="json"),
        **{column: alert.labels.get(label, "")[:_NAME_CHARACTERS] for column, label in beside},
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
