"""Retires by themselves the agents that have been away for days; says what a retired one does."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, and_, false, func, or_, select, update
from sqlalchemy.orm import Session

from pulseguard_registry.access.own_keys import has_lost_its_keys
from pulseguard_registry.agents import schemas
from pulseguard_registry.agents.models import Agent
from pulseguard_registry.agents.service import name_cause
from pulseguard_registry.agents.status import status_reason_expression
from pulseguard_registry.audit.recording import record_upkeep
from pulseguard_registry.events.models import AgentTold
from pulseguard_registry.scrapes.service import is_long_ago, scraped_expression


def retire_long_gone(
    session: Session, *, silent_days: int, stopped_days: int, offline_after_seconds: float
) -> None:
    """Retire what has been silent, or stopped, for so many days by the database's clock; 0: never.

    Both count from when a registry noticed them: an outage of the registry retires nobody. Each
    leaves a record.
    """
    reason = status_reason_expression(offline_after_seconds)
    for cause, days in (("stopped", stopped_days), ("silent", silent_days)):
        if days:
            _retire(session, cause, days, reason)


def tell_retired(
    session: Session,
    agent: schemas.Agent,
    offline_after_seconds: float,
    *,
    was_heard: bool,
    keys_count: bool,
) -> schemas.RetiredAgent:
    """What is known of an agent that was just retired: whether it runs on, and how it comes back.

    `was_heard`: since it was retired. Without access control its keys do not count.
    """
    query = select(_runs_on(offline_after_seconds), has_lost_its_keys(agent.id))
    runs_on, lost = session.execute(query.where(Agent.id == agent.id)).one()
    return schemas.RetiredAgent(
        **agent.model_dump(),
        runs_on=runs_on or was_heard,
        back_by="restoring" if lost and keys_count else "registering",
    )


def tell_restored(
    session: Session, agent: schemas.Agent, *, keys_count: bool
) -> schemas.RestoredAgent:
    """An agent that was just restored, and whether it has a key to come in with."""
    lost = session.execute(select(has_lost_its_keys(agent.id))).scalar_one()
    return schemas.RestoredAgent(**agent.model_dump(), to_be_enrolled=lost and keys_count)


def _runs_on(offline_after_seconds: float) -> ColumnElement[bool]:
    """Whether it has beaten lately, or a Prometheus has scraped it since its goodbye has been told.

    Lately by its last heartbeat alone: nobody is called silent for what nobody could hear, and
    where the registry was away one that ended long ago would seem to run.
    """
    lately = func.now() - timedelta(seconds=offline_after_seconds)
    beats = and_(Agent.stopped_at.is_(None), Agent.last_seen_at > lately)
    has_not_left = or_(Agent.stopped_at.is_(None), is_long_ago(Agent.stopped_at))
    answers = and_(scraped_expression() == "up", has_not_left)
    return or_(func.coalesce(beats, false()), func.coalesce(answers, false()))


def _retire(session: Session, cause: str, days: int, reason: ColumnElement[str | None]) -> None:
    name_cause(session, cause)
    noticed = select(AgentTold.agent_id).where(
        AgentTold.status == "OFFLINE",
        AgentTold.told_at < func.now() - timedelta(days=days),
    )
    gone = (
        select(Agent.id)
        .where(reason == cause, Agent.id.in_(noticed))
        .order_by(Agent.id)
        .with_for_update(skip_locked=True, key_share=True)
    )
    retired = session.scalars(
        update(Agent)
        .where(Agent.id.in_(gone.scalar_subquery()))
        .values(retired_at=func.now(), maintenance_until=None)
        .returning(Agent.id)
        .execution_options(synchronize_session=False)
    )
    record_upkeep(session, "/agents/{agent_id}", retired.all())
