"""Which agents run on which host.

PostgreSQL writes the document: rows made objects here, checked and made text again take four
times as long for a page of some thousand agents, and meanwhile nobody else gets on.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, String, cast, collate, func, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import LateralFromClause

from pulseguard_registry.agents.models import Agent
from pulseguard_registry.agents.status import status_expression, status_reason_expression
from pulseguard_registry.system.schemas import AFTER, DeployedAgent, DeploymentFilters

EQUAL = ("environment", "team", "type", "deployment_type")
# What of a DeployedAgent is no column, in its order.
TOLD = ("status", "status_reason")
# By bytes, so that every database agrees on which host comes after which.
_ORDERED = collate(Agent.host, "C")


def read_deployment_map(
    session: Session, filters: DeploymentFilters, offline_after_seconds: float
) -> str:
    """One page of hosts, each with the agents that the filters choose, by environment; the JSON of
    a DeploymentMap."""
    chosen = _chosen(filters, offline_after_seconds)
    hosts = select(_ORDERED).where(*chosen).distinct().order_by(_ORDERED)
    if filters.cursor is not None:
        hosts = hosts.where(_ORDERED.op(">")(filters.cursor.removeprefix(AFTER)))
    names = session.scalars(hosts.limit(filters.limit + 1)).all()
    page = names[: filters.limit]
    items = session.scalars(_items(page, chosen, offline_after_seconds)).one()
    next_cursor = f"{AFTER}{page[-1]}" if len(names) > filters.limit else None
    return f'{{"items":{items},"next_cursor":{json.dumps(next_cursor)}}}'


def _items(
    page: Sequence[str], chosen: Sequence[ColumnElement[bool]], offline_after_seconds: float
) -> Select[tuple[str]]:
    """The hosts of this page, as the text of a JSON array."""
    agent = _deployed_agent(offline_after_seconds)
    agents = func.json_agg(aggregate_order_by(agent.table_valued(), Agent.name, Agent.id))
    by_environment = (
        select(_ORDERED.label("host"), Agent.environment, agents.label("agents"))
        .select_from(Agent)
        .join(agent, true())
        .where(Agent.host.in_(page), *chosen)
        .group_by(_ORDERED, Agent.environment)
        .subquery()
    )
    environment = by_environment.c.environment
    environments = aggregate_order_by(by_environment.c.agents, environment)
    by_host = (
        select(
            by_environment.c.host,
            func.json_object_agg(environment, environments).label("environments"),
        )
        .group_by(by_environment.c.host)
        .subquery()
    )
    items = func.json_agg(aggregate_order_by(by_host.table_valued(), by_host.c.host))
    return select(func.coalesce(cast(items, String), "[]"))


def _deployed_agent(offline_after_seconds: float) -> LateralFromClause:
    """A DeployedAgent of each agent: rows become JSON faster than pairs of name and value."""
    kept = (getattr(Agent, name) for name in DeployedAgent.model_fields if name not in TOLD)
    status = status_expression(offline_after_seconds).label("status")
    reason = status_reason_expression(offline_after_seconds).label("status_reason")
    return select(*kept, status, reason).correlate(Agent).lateral("agent")


def _chosen(filters: DeploymentFilters, offline_after_seconds: float) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = [Agent.retired_at.is_(None)]
    for name in EQUAL:
        if (value := getattr(filters, name)) is not None:
            chosen.append(getattr(Agent, name) == value)
    if filters.status is not None:
        chosen.append(status_expression(offline_after_seconds) == filters.status)
    return chosen
