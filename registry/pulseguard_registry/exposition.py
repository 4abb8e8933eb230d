"""/metrics, about the registry, and /metrics/agents, about each agent."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Request, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from pulseguard import catalog
from pulseguard_registry.access.guard import PEOPLE, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.agents.models import Agent
from pulseguard_registry.agents.processes import processes_expression
from pulseguard_registry.agents.status import STATUSES, status_expression
from pulseguard_registry.database.engine import DatabaseSession
from pulseguard_registry.scrapes.service import scraped_expression

router = APIRouter(tags=["metrics"])
# Few: they are dropped after the retention, and a day that is made takes its own over.
_LATE_SNAPSHOTS = text("SELECT count(*) FROM ai_metrics_default")
Scraper = Annotated[Principal, requires("prometheus", *PEOPLE)]


@router.get("/metrics", response_class=Response)
async def read_metrics(scraper: Scraper, request: Request) -> Response:
    """The registry's own metrics; answered while the database is away too."""
    state = request.app.state
    current = state.targets.current
    state.telemetry.set_state(
        targets=current.count if current is not None else 0,
        age_seconds=time.monotonic() - state.supervisor.confirmed_at,
        database_up=state.supervisor.trouble is None,
    )
    watch = state.silence.current
    state.telemetry.set_held(
        targets=len(state.targets.served.held),
        agents=watch.held_agents if watch is not None else 0,
    )
    return _exposed(request, state.telemetry.registry)


@router.get("/metrics/agents", response_class=Response)
def read_agent_metrics(scraper: Scraper, session: DatabaseSession, request: Request) -> Response:
    """Status, last sign of life and scrape of each agent that was not retired, as which of them two
    processes beat, how many have which status, and how many snapshots came late."""
    families = _Families(_agent_families(session, request.app.state.settings.offline_after_seconds))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(families)
    return _exposed(request, registry)


class _Families(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def _agent_families(session: Session, offline_after_seconds: float) -> list[Metric]:
    status = _family(catalog.AGENT_STATUS)
    last_seen = _family(catalog.AGENT_LAST_SEEN)
    scraped = _family(catalog.AGENT_SCRAPED)
    doubled = _family(catalog.AGENT_TWO_PROCESSES)
    total = _family(catalog.REGISTRY_AGENTS)
    counts: dict[str, int] = dict.fromkeys(STATUSES, 0)
    query = select(
        Agent.id,
        Agent.name,
        Agent.instance,
        Agent.type,
        Agent.environment,
        Agent.team,
        status_expression(offline_after_seconds),
        func.extract("epoch", Agent.last_seen_at),
        scraped_expression(),
        processes_expression(offline_after_seconds),
    ).where(Agent.retired_at.is_(None))
    for agent_id, *names, now, seen, scrape, processes in session.execute(query.order_by(Agent.id)):
        labels = [str(agent_id), *names]
        counts[now] += 1
        status.add_metric([*labels, now], 1)
        if seen is not None:
            last_seen.add_metric(labels, float(seen))
        if scrape is not None:
            scraped.add_metric(labels, int(scrape == "up"))
        if processes is not None:
            doubled.add_metric(labels, 1)
    for name, count in counts.items():
        total.add_metric([name], count)
    late = _family(catalog.REGISTRY_LATE_SNAPSHOTS)
    late.add_metric([], session.execute(_LATE_SNAPSHOTS).scalar_one())
    return [total, late, status, last_seen, scraped, doubled]


def _family(metric: catalog.Metric) -> GaugeMetricFamily:
    return GaugeMetricFamily(metric.name, metric.help, labels=metric.labels)


def _exposed(request: Request, registry: CollectorRegistry) -> Response:
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(registry), headers={"Content-Type": content_type})
