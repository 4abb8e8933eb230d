"""Lists agents by the page or all of them, ordered by id, in one go or over many transactions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Select, or_
from sqlalchemy.orm import Session, sessionmaker

from pulseguard_registry.agents import models
from pulseguard_registry.agents.schemas import AgentFilters, AgentPage, ScoredAgent
from pulseguard_registry.agents.score import read_scores
from pulseguard_registry.agents.service import shown_agents
from pulseguard_registry.agents.status import status_expression

EQUAL = ("name", "environment", "team", "type", "version", "host", "deployment_type")
SEARCHED = ("name", "instance", "description", "host")
BATCH = 500


def list_agents(
    session: Session,
    filters: AgentFilters,
    offline_after_seconds: float,
    only: UUID | None = None,
) -> AgentPage:
    """One page; with `only`, of that agent at most.

    An agent that is there the whole time is on one page exactly, whatever else comes and goes: its
    id never changes, and the next page begins behind the last id of this one.
    """
    query = _chosen(filters, offline_after_seconds)
    if only is not None:
        query = query.where(models.Agent.id == only)
    found = session.execute(query.limit(filters.limit + 1)).mappings().all()
    shown = found[: filters.limit]
    last_seen = {values["id"]: values["last_seen_at"] for values in shown}
    scores = read_scores(session, last_seen, offline_after_seconds)
    items = [ScoredAgent(**values, health_score=scores[values["id"]]) for values in shown]
    return AgentPage(items=items, next_cursor=items[-1].id if len(found) > filters.limit else None)


def all_agents(
    sessions: sessionmaker[Session],
    filters: AgentFilters,
    offline_after_seconds: float,
    only: UUID | None = None,
) -> Iterator[list[ScoredAgent]]:
    """Every agent from the cursor on, a batch at a time, each from a short transaction: a slow
    reader holds no connection. Always at least one batch, which may be empty."""
    cursor: UUID | None = filters.cursor
    while True:
        asked = filters.model_copy(update={"limit": BATCH, "cursor": cursor})
        with sessions.begin() as session:
            page = list_agents(session, asked, offline_after_seconds, only)
        yield page.items
        if page.next_cursor is None:
            return
        cursor = page.next_cursor


def _chosen(filters: AgentFilters, offline_after_seconds: float) -> Select[*tuple[Any, ...]]:
    query = shown_agents(offline_after_seconds).order_by(models.Agent.id)
    if filters.only_retired:
        query = query.where(models.Agent.retired_at.is_not(None))
    elif not filters.include_retired:
        query = query.where(models.Agent.retired_at.is_(None))
    if filters.id:
        query = query.where(models.Agent.id.in_(filters.id))
    for name in EQUAL:
        if (value := getattr(filters, name)) is not None:
            query = query.where(getattr(models.Agent, name) == value)
    if filters.status is not None:
        query = query.where(status_expression(offline_after_seconds) == filters.status)
    if filters.tag is not None:
        query = query.where(models.Agent.tags.contains([filters.tag]))
    if filters.text:
        columns = [getattr(models.Agent, name) for name in SEARCHED]
        query = query.where(or_(*(c.icontains(filters.text, autoescape=True) for c in columns)))
    if filters.cursor is not None:
        query = query.where(models.Agent.id > filters.cursor)
    return query
