"""How an agent is, and why: a score that is the smallest of what is known."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import BaseModel, Field
from sqlalchemy import Row, TextClause, Uuid, any_, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from pulseguard_registry.agents import models
from pulseguard_registry.agents.schemas import Agent, ScoredAgent, State
from pulseguard_registry.agents.status import Status
from pulseguard_registry.alerts.firing import fires
from pulseguard_registry.alerts.models import Alert
from pulseguard_registry.scrapes.disagreement import see_agent
from pulseguard_registry.scrapes.schemas import DisagreementKind, ScrapeState
from pulseguard_registry.scrapes.service import scraped_expression, scrapes_among

# How often a healthy agent is heard.
PERIOD_SECONDS: Final = 15.0
TASKS_MINUTES: Final = 5
PROGRESS_HOURS: Final = 1


_SCRAPED: Final[dict[ScrapeState | None, str]] = {
    "up": "Prometheus scrapes it.",
    "down": "Its last scrape failed.",
    "absent": "It is registered, and no Prometheus scrapes it.",
    None: "Whether Prometheus scrapes it is not known: no sync tells, or no more that of the one"
    " that had it; or it has no address, or one for less than a minute; or it has ended.",
}


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


# Of many agents, by the index that each partition has.
_TASKS: Final[TextClause] = text("""
SELECT agent_id, sum(tasks_completed) AS completed, sum(tasks_failed) AS failed
  FROM ai_metrics
 WHERE agent_id = ANY(:ids) AND taken_at > now() - :tasks AND taken_at <= now() + :tasks
   AND received_at > now() - :tasks
 GROUP BY agent_id
""")


def read_health(
    session: Session, agent: Agent, offline_after_seconds: float, running_seconds: float
) -> AgentHealth:
    """The health of one agent, by the database's clock."""
    now = session.execute(select(func.now())).scalar_one()
    told = _snapshots(session, agent.id)
    seen = see_agent(session, agent.id, offline_after_seconds)
    parts = Parts(
        freshness=freshness(_age(agent.last_seen_at, now), offline_after_seconds),
        # A sum of bigints may be none: PostgreSQL gives a number without bounds.
        task_success=task_success(int(told.completed), int(told.failed)),
        scraped=scraped(seen.scraped),
    )
    return AgentHealth(
        **agent.model_dump(include={"id", "status", "status_reason", "state", "last_seen_at"}),
        health_score=score(parts),
        parts=parts,
        disagreements=seen.disagreements,
        processes=seen.processes or [],
        alerts=_firing_alerts(session, agent.id, running_seconds),
        last_snapshot_at=told.last_snapshot_at,
        last_progress_at=told.last_progress_at,
    )


def with_scores(
    session: Session, agents: Sequence[Agent], offline_after_seconds: float
) -> list[ScoredAgent]:
    """These agents with their scores, in three queries however many they are."""
    ids = [agent.id for agent in agents]
    window = {"ids": ids, "tasks": timedelta(minutes=TASKS_MINUTES)}
    tasks = {row[0]: (int(row[1]), int(row[2])) for row in session.execute(_TASKS, window)}
    query = select(models.Agent.id, scraped_expression(scrapes_among(ids))).where(
        models.Agent.id == any_(literal(ids, ARRAY(Uuid)))
    )
    scrapes = {row[0]: row[1] for row in session.execute(query)}
    now = session.execute(select(func.now())).scalar_one()
    parts = {
        agent.id: Parts(
            freshness=freshness(_age(agent.last_seen_at, now), offline_after_seconds),
            task_success=task_success(*tasks.get(agent.id, (0, 0))),
            scraped=scraped(scrapes.get(agent.id)),
        )
        for agent in agents
    }
    # Each part was validated as the agent's.
    return [
        ScoredAgent.model_construct(**dict(agent), health_score=score(parts[agent.id]))
        for agent in agents
    ]


def freshness(age_seconds: float | None, offline_after_seconds: float) -> Part:
    """1 within a period of the last heartbeat, then falling to 0 when it counts as silent."""
    if age_seconds is None:
        return Part(value=None, sentence="No heartbeat has come since it was registered.")
    sentence = f"The last heartbeat came {age_seconds:.0f} s ago."
    if age_seconds <= PERIOD_SECONDS:
        return Part(value=1.0, sentence=sentence)
    patience = max(offline_after_seconds - PERIOD_SECONDS, 0)
    left = offline_after_seconds - age_seconds
    return Part(value=max(left / patience, 0.0) if patience else 0.0, sentence=sentence)


def task_success(completed: int, failed: int) -> Part:
    """The share of the tasks that ended well."""
    tasks = completed + failed
    if not tasks:
        return Part(value=None, sentence=f"No task ended within {TASKS_MINUTES} minutes.")
    sentence = f"Of {tasks} tasks within {TASKS_MINUTES} minutes, {failed} failed."
    return Part(value=completed / tasks, sentence=sentence)


def scraped(state: ScrapeState | None) -> Part:
    """1 where a Prometheus scrapes it."""
    value = None if state is None else float(state == "up")
    return Part(value=value, sentence=_SCRAPED[state])


def score(parts: Parts) -> float | None:
    """The smallest of the known parts."""
    known = [part.value for _, part in parts if part.value is not None]
    return min(known) if known else None


def _age(last_seen_at: datetime | None, now: datetime) -> float | None:
    return None if last_seen_at is None else max((now - last_seen_at).total_seconds(), 0.0)


# Any: a row of mixed columns.
def _snapshots(session: Session, agent_id: uuid.UUID) -> Row[Any]:
    bounds = {
        "agent_id": agent_id,
        "tasks": timedelta(minutes=TASKS_MINUTES),
        "progress": timedelta(hours=PROGRESS_HOURS),
    }
    return session.execute(_SNAPSHOTS, bounds).one()


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
