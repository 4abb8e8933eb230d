"""Retires by themselves the agents that have been away for days."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from pulseguard_registry.agents.models import Agent
from pulseguard_registry.agents.service import name_cause
from pulseguard_registry.agents.status import status_reason_expression
from pulseguard_registry.events.models import AgentTold


def retire_long_gone(
    session: Session, *, silent_days: int, stopped_days: int, offline_after_seconds: float
) -> None:
    """Retire what has been silent, or stopped, for so many days by the database's clock; 0: never.

    Both count from when a registry noticed them: an outage of the registry retires nobody.
    """
    reason = status_reason_expression(offline_after_seconds)
    for cause, days in (("stopped", stopped_days), ("silent", silent_days)):
        if days:
            _retire(session, cause, days, reason)


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
    session.execute(
        update(Agent)
        .where(Agent.id.in_(gone.scalar_subquery()))
        .values(retired_at=func.now(), maintenance_until=None)
        .execution_options(synchronize_session=False)
    )
