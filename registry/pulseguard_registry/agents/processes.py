"""Whether two processes beat as one agent, as SQL expressions: their heartbeats alternate.

One change alone is a restart. PostgreSQL notes each change (`process_noted`).
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import ColumnElement, Text, case, func, null, select, type_coerce
from sqlalchemy.dialects.postgresql import array

from pulseguard_registry.agents.models import Agent, AgentProcesses
from pulseguard_registry.agents.status import is_maintained


def processes_expression(offline_after_seconds: float) -> ColumnElement[list[str] | None]:
    """The two that were heard last, where one came back after the other within so long, by the
    database's clock; else null, and while work is planned."""
    came_back = AgentProcesses.returned_at > func.now() - timedelta(seconds=offline_after_seconds)
    both = (
        select(array([type_coerce(Agent.process, Text), type_coerce(AgentProcesses.former, Text)]))
        .where(AgentProcesses.agent_id == Agent.id, came_back)
        .correlate(Agent)
        .scalar_subquery()
    )
    # A set, made once: hardly an agent is in it, and only for those is looked.
    has_two = Agent.id.in_(select(AgentProcesses.agent_id).where(came_back))
    return case((is_maintained(), null()), (has_two, both), else_=null())
