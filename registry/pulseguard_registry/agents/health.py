"""How an agent is, and why: a score that is the smallest of what is known."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel, Field
from sqlalchemy import Row, TextClause, func, select, text
from sqlalchemy.orm import Session

from pulseguard_registry.access.own_keys import is_shut_out
from pulseguard_registry.agents.schemas import Agent, State
from pulseguard_registry.agents.score import (
    TASKS_MINUTES,
    age_at,
    freshness,
    scraped,
    smallest,
    task_success,
)
from pulseguard_registry.agents.status import Status
from pulseguard_registry.alerts.firing import fires
from pulseguard_registry.alerts.models import Alert
from pulseguard_registry.scrapes.disagreement import see_agent
from pulseguard_registry.scrapes.schemas import DisagreementKind, ScrapeState

PROGRESS_HOURS: Final = 1


_SCRAPED: Final[dict[ScrapeState, str]] = {
    "up": "Prometheus scrapes it.",
    "down": "Its last scrape failed.",
    "absent": "It is registered, and no Prometheus scrapes it.",
}
_MORE: Final = "docs/troubleshooting.md#it-is-not-known-whether-prometheus-scrapes-an-agent"


class Part(BaseModel):
    """One part of the score."""

    value: float | None = Field(description="0 to 1; null where it is not known.")
    sentence: str


class Parts(BaseModel):
    """What the score is made of."""

    freshness: Part
    task_success: Part
    scraped: Part


class FiringAlert(BaseModel):
    """An alert about this agent that fires now."""

    name: str
    severity: str
    since: datetime


class AgentHealth(BaseModel):
    """Status, score and everything that speaks for them."""

    id: uuid.UUID
    status: Status
    status_reason: str | None
    health_score: float | None = Field(
        description="0 to 1: the smallest of the known parts; null where none is known."
    )
    parts: Parts
    disagreements: list[DisagreementKind] = Field(
        description="What does not fit together, as in `/system/disagreements`; no part either."
    )
    processes: list[str] = Field(
        description="Those that beat as this one agent, where there are two."
    )
    to_be_enrolled: bool = Field(
        description="Whether its own keys have ended, and it was not heard since: it is refused"
        " until it is enrolled again."
    )
    silenced: bool | None = Field(
        description="Whether Alertmanager silences its alerts, since it is under maintenance; null"
        " where it is not, or the registry was told of no Alertmanager."
    )
    alerts: list[FiringAlert] = Field(description="Not a part of the score: they are its effects.")
    state: State
    last_seen_at: datetime | None
    last_snapshot_at: datetime | None = Field(description="Of the last hour.")
    last_progress_at: datetime | None = Field(
        description="The last snapshot of the last hour with a task done or a model called."
    )


# Only the newest partitions are looked at, and of them one agent's rows, whose clock may be ahead.
# What came before the time that is looked at, from a clock far ahead, tells nothing of that time.
_SNAPSHOTS: Final[TextClause] = text("""
SELECT coalesce(sum(tasks_completed) FILTER (WHERE is_recent), 0) AS completed,
       coalesce(sum(tasks_failed) FILTER (WHERE is_recent), 0) AS failed,
       max(taken_at) AS last_snapshot_at,
       max(taken_at) FILTER (WHERE tasks_completed > 0 OR model_calls > 0) AS last_progress_at
  FROM (SELECT *, least(taken_at, received_at) > now() - :tasks AS is_recent
          FROM ai_metrics
         WHERE agent_id = :agent_id
           AND taken_at BETWEEN now() - :progress AND now() + :tasks
           AND received_at > now() - :progress) AS s
""")


_SILENCED: Final[TextClause] = text(
    "SELECT EXISTS (SELECT FROM agent_silences WHERE agent_id = :agent_id AND silent_until > now())"
)


def read_health(
    session: Session,
    agent: Agent,
    offline_after_seconds: float,
    running_seconds: float,
    *,
    was_refused: bool,
    keys_count: bool,
    may_silence: bool,
) -> AgentHealth:
    """The health of one agent, by the database's clock; `was_refused`: by us, a moment ago.

    Without access control (`keys_count` is false) nobody is shut out for want of a key, and without
    an Alertmanager (`may_silence`) nobody is silenced.
    """
    now = session.execute(select(func.now())).scalar_one()
    told = _snapshots(session, agent.id)
    seen = see_agent(session, agent.id, offline_after_seconds, was_refused=was_refused)
    parts = Parts(
        freshness=freshness_part(age_at(now, agent.last_seen_at), offline_after_seconds),
        # A sum of bigints may be none: PostgreSQL gives a number without bounds.
        task_success=task_part(int(told.completed), int(told.failed)),
        scraped=scraped_part(agent, seen.scraped, somebody_tells=seen.somebody_tells),
    )
    return AgentHealth(
        **agent.model_dump(include={"id", "status", "status_reason", "state", "last_seen_at"}),
        health_score=score(parts),
        parts=parts,
        disagreements=seen.disagreements,
        processes=seen.processes or [],
        to_be_enrolled=keys_count and is_shut_out(session, agent.id, agent.last_seen_at),
        silenced=_is_silenced(session, agent) if may_silence else None,
        alerts=_firing_alerts(session, agent.id, running_seconds),
        last_snapshot_at=told.last_snapshot_at,
        last_progress_at=told.last_progress_at,
    )


def freshness_part(age_seconds: float | None, offline_after_seconds: float) -> Part:
    """How long ago it was heard."""
    value = freshness(age_seconds, offline_after_seconds)
    if age_seconds is None:
        return Part(value=value, sentence="No heartbeat has come since it was registered.")
    return Part(value=value, sentence=f"The last heartbeat came {age_seconds:.0f} s ago.")


def task_part(completed: int, failed: int) -> Part:
    """How its tasks end."""
    tasks = completed + failed
    sentence = f"No task ended within {TASKS_MINUTES} minutes."
    if tasks:
        sentence = f"Of {tasks} tasks within {TASKS_MINUTES} minutes, {failed} failed."
    return Part(value=task_success(completed, failed), sentence=sentence)


def scraped_part(agent: Agent, state: ScrapeState | None, *, somebody_tells: bool) -> Part:
    """Whether Prometheus scrapes it, or why that is not known and what to look at first."""
    if state is not None:
        sentence = _SCRAPED[state]
    elif agent.stopped_at or agent.retired_at:
        sentence = "It has ended: Prometheus need not scrape it."
    elif agent.metrics_address is None:
        sentence = "It was registered without a metrics_address: Prometheus cannot scrape it."
    elif somebody_tells:
        sentence = (
            "Whether Prometheus scrapes it is not known yet, as in its first minute; if that lasts,"
            f" look first whether each Prometheus still runs with its `pulseguard sync` ({_MORE})."
        )
    else:
        sentence = (
            "Whether Prometheus scrapes it is not known, for no Prometheus tells: look first"
            f" whether `pulseguard sync` runs beside it, with --prometheus-url ({_MORE})."
        )
    return Part(value=scraped(state), sentence=sentence)


def score(parts: Parts) -> float | None:
    """The smallest of the known parts."""
    return smallest(part.value for _, part in parts)


# Any: a row of mixed columns.
def _snapshots(session: Session, agent_id: uuid.UUID) -> Row[Any]:
    bounds = {
        "agent_id": agent_id,
        "tasks": timedelta(minutes=TASKS_MINUTES),
        "progress": timedelta(hours=PROGRESS_HOURS),
    }
    return session.execute(_SNAPSHOTS, bounds).one()


def _is_silenced(session: Session, agent: Agent) -> bool | None:
    if agent.status != "MAINTENANCE":
        return None
    return bool(session.execute(_SILENCED, {"agent_id": agent.id}).scalar_one())


def _firing_alerts(
    session: Session, agent_id: uuid.UUID, running_seconds: float
) -> list[FiringAlert]:
    query = select(Alert.alertname, Alert.severity, Alert.starts_at).where(
        Alert.agent_id == agent_id, fires(running_seconds)
    )
    rows = session.execute(query.order_by(Alert.starts_at, Alert.id))
    return [
        FiringAlert(name=name, severity=severity, since=since) for name, severity, since in rows
    ]
