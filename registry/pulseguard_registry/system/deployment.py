"""Which agents run on which host."""

from __future__ import annotations

from sqlalchemy import ColumnElement, collate, select
from sqlalchemy.orm import Session

from pulseguard_registry.agents.models import Agent
from pulseguard_registry.agents.status import status_expression, status_reason_expression
from pulseguard_registry.system.schemas import (
    DeployedAgent,
    DeploymentFilters,
    DeploymentMap,
    Host,
)

EQUAL = ("environment", "team", "type", "deployment_type")
_SHOWN = ("id", "name", "instance", "team", "type", "version", "deployment_type")
# By bytes, so that every database agrees on which host comes after which.
_ORDERED = collate(Agent.host, "C")


def read_deployment_map(
    session: Session, filters: DeploymentFilters, offline_after_seconds: float
) -> DeploymentMap:
    """One page of hosts, each with the agents that the filters choose, by environment."""
    chosen = _chosen(filters, offline_after_seconds)
    hosts = select(_ORDERED).where(*chosen).distinct().order_by(_ORDERED)
    if filters.cursor is not None:
        hosts = hosts.where(_ORDERED.op(">")(filters.cursor))
    names = session.scalars(hosts.limit(filters.limit + 1)).all()
    page = names[: filters.limit]
    items = {name: Host(host=name, environments={}) for name in page}
    query = (
        select(
            Agent.host,
            Agent.environment,
            *(getattr(Agent, name) for name in _SHOWN),
            status_expression(offline_after_seconds).label("status"),
            status_reason_expression(offline_after_seconds).label("status_reason"),
        )
        .where(Agent.host.in_(page), *chosen)
        .order_by(Agent.environment, Agent.name, Agent.id)
    )
    for row in session.execute(query).mappings():
        agents = items[row["host"]].environments.setdefault(row["environment"], [])
        agents.append(DeployedAgent.model_validate(dict(row)))
    is_last = len(names) <= filters.limit
    return DeploymentMap(items=list(items.values()), next_cursor=None if is_last else page[-1])


def _chosen(filters: DeploymentFilters, offline_after_seconds: float) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = [Agent.retired_at.is_(None)]
    for name in EQUAL:
        if (value := getattr(filters, name)) is not None:
            chosen.append(getattr(Agent, name) == value)
    if filters.status is not None:
        chosen.append(status_expression(offline_after_seconds) == filters.status)
    return chosen
