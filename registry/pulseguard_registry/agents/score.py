"""The score of an agent's health: the smallest of what is known, each part 0 to 1."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import TextClause, Uuid, any_, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from pulseguard_registry.agents.models import Agent
from pulseguard_registry.scrapes.schemas import ScrapeState
from pulseguard_registry.scrapes.service import scraped_expression, scrapes_among

# How often a healthy agent is heard.
PERIOD_SECONDS: Final = 15.0
TASKS_MINUTES: Final = 5

# Of many agents, by the index that each partition has.
_TASKS: Final[TextClause] = text("""
SELECT agent_id, sum(tasks_completed) AS completed, sum(tasks_failed) AS failed
  FROM ai_metrics
 WHERE agent_id = ANY(:ids) AND taken_at > now() - :tasks AND taken_at <= now() + :tasks
   AND received_at > now() - :tasks
 GROUP BY agent_id
""")
# Made once, as the one above: to make it takes longer than to run it for one agent.
_IDS: Final = bindparam("ids", type_=ARRAY(Uuid))
_SCRAPES: Final = select(Agent.id, scraped_expression(scrapes_among(_IDS))).where(
    Agent.id == any_(_IDS), Agent.retired_at.is_(None)
)


def read_scores(
    session: Session,
    last_seen: Mapping[uuid.UUID, datetime | None],
    offline_after_seconds: float,
) -> dict[uuid.UUID, float | None]:
    """The scores of these agents, in three queries however many they are; a retired one has none:
    nothing is expected of it any more."""
    ids = list(last_seen)
    window = {"ids": ids, "tasks": timedelta(minutes=TASKS_MINUTES)}
    tasks = {row[0]: (int(row[1]), int(row[2])) for row in session.execute(_TASKS, window)}
    scrapes = {row[0]: row[1] for row in session.execute(_SCRAPES, {"ids": ids})}
    now = session.execute(select(func.now())).scalar_one()
    return {
        agent_id: smallest(
            (
                freshness(age_at(now, seen_at), offline_after_seconds),
                task_success(*tasks.get(agent_id, (0, 0))),
                scraped(scrapes[agent_id]),
            )
        )
        if agent_id in scrapes
        else None
        for agent_id, seen_at in last_seen.items()
    }


def freshness(age_seconds: float | None, offline_after_seconds: float) -> float | None:
    """1 within a period of the last heartbeat, then falling to 0 when it counts as silent."""
    if age_seconds is None:
        return None
    if age_seconds <= PERIOD_SECONDS:
        return 1.0
    patience = max(offline_after_seconds - PERIOD_SECONDS, 0)
    return max((offline_after_seconds - age_seconds) / patience, 0.0) if patience else 0.0


def task_success(completed: int, failed: int) -> float | None:
    """The share of the tasks that ended well."""
    tasks = completed + failed
    return completed / tasks if tasks else None


def scraped(state: ScrapeState | None) -> float | None:
    """1 where a Prometheus scrapes it."""
    return None if state is None else float(state == "up")


def smallest(parts: Iterable[float | None]) -> float | None:
    """The score: None where no part is known."""
    return min((part for part in parts if part is not None), default=None)


def age_at(now: datetime, last_seen_at: datetime | None) -> float | None:
    """The seconds since the last heartbeat, at least none."""
    return None if last_seen_at is None else max((now - last_seen_at).total_seconds(), 0.0)
