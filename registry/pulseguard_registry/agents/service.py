"""Registers, reads and retires agents."""

from __future__ import annotations

import uuid

from sqlalchemy import Boolean, Select, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.agents import models
from pulseguard_registry.agents.identity import agent_id
from pulseguard_registry.agents.schemas import Agent, AgentFilters, AgentPage, AgentRegister
from pulseguard_registry.agents.status import Status, status_expression, status_reason_expression
from pulseguard_registry.audit.recording import name_object
from pulseguard_registry.problems import Problem


def register_agent(session: Session, said: AgentRegister, by: Principal) -> tuple[uuid.UUID, bool]:
    """Store what the agent says; returns its id and whether it is new.

    A retired or stopped agent that registers is back, with the id that it had. A 403 problem where
    this identity is another team's agent, outside of the bound of the key.
    """
    values = said.model_dump()
    known = agent_id(said.environment, said.name, said.instance)
    returned = {**values, "stopped_at": None, "retired_at": None, "state": "idle"}
    statement = (
        insert(models.Agent)
        .values(id=known, **values)
        .on_conflict_do_update(
            index_elements=["environment", "name", "instance"],
            set_=returned,
            # The identity knows no team: what is there must be inside the bound as well.
            where=true() if by.team is None else models.Agent.team == by.team,
        )
        # PostgreSQL's own sign of an inserted row: nobody has updated it.
        .returning(literal_column("xmax = 0", Boolean))
    )
    is_new = session.execute(statement).scalar_one_or_none()
    if is_new is None:
        raise Problem(
            403,
            f"{said.name!r}, instance {said.instance!r}, is an agent of another team, and this key"
            f" speaks for team {by.team!r} only; choose another name or instance",
        )
    name_object(session, known)
    return known, is_new


def read_agent(session: Session, wanted: uuid.UUID, offline_after_seconds: float) -> Agent:
    """One agent; a 404 problem where there is none."""
    query = _with_status(offline_after_seconds).where(models.Agent.id == wanted)
    row = session.execute(query).one_or_none()
    if row is None:
        raise unknown_agent(wanted)
    return _to_schema(row[0], row[1], row[2])


def list_agents(session: Session, filters: AgentFilters, offline_after_seconds: float) -> AgentPage:
    """One page of the agents that were not retired, ordered by id."""
    query = _with_status(offline_after_seconds).where(models.Agent.retired_at.is_(None))
    for name in ("name", "environment", "team", "type"):
        if (value := getattr(filters, name)) is not None:
            query = query.where(getattr(models.Agent, name) == value)
    if filters.status is not None:
        query = query.where(status_expression(offline_after_seconds) == filters.status)
    if filters.tag is not None:
        query = query.where(models.Agent.tags.contains([filters.tag]))
    if filters.cursor is not None:
        query = query.where(models.Agent.id > filters.cursor)
    rows = session.execute(query.order_by(models.Agent.id).limit(filters.limit + 1)).all()
    items = [_to_schema(row[0], row[1], row[2]) for row in rows[: filters.limit]]
    return AgentPage(items=items, next_cursor=items[-1].id if len(rows) > filters.limit else None)


def retire_agent(session: Session, wanted: uuid.UUID) -> None:
    """Take an agent out of lists and discovery; its history stays. Again changes nothing."""
    agent = session.get(models.Agent, wanted)
    if agent is None:
        raise unknown_agent(wanted)
    if agent.retired_at is None:
        agent.retired_at = func.now()


def unknown_agent(wanted: uuid.UUID) -> Problem:
    """The 404 of every route that names an agent."""
    return Problem(
        404, f"there is no agent {wanted}, or it has ended; register with POST /api/v1/agents"
    )


def _with_status(offline_after_seconds: float) -> Select[models.Agent, Status, str | None]:
    return select(
        models.Agent,
        status_expression(offline_after_seconds),
        status_reason_expression(offline_after_seconds),
    )


def _to_schema(agent: models.Agent, status: Status, reason: str | None) -> Agent:
    values = {column.key: getattr(agent, column.key) for column in models.Agent.__mapper__.columns}
    return Agent(**values, status=status, status_reason=reason)
