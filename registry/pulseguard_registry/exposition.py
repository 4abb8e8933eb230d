"""/metrics, about the registry, and /metrics/agents, about each agent."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import choose_encoder

from pulseguard_registry.access.guard import PEOPLE, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.agents.gauges import agent_gauges
from pulseguard_registry.database.engine import DatabaseSession
from pulseguard_registry.guarded_route import GuardedRoute
from pulseguard_registry.rules.gauges import rule_gauges

router = APIRouter(tags=["metrics"], route_class=GuardedRoute)
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
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(state.telemetry.registry), headers={"Content-Type": content_type})


@router.get("/metrics/agents", response_class=Response)
def read_agent_metrics(scraper: Scraper, session: DatabaseSession, request: Request) -> Response:
    """Status, last sign of life and scrape of each agent that was not retired, as which of them two
    processes beat, how many have which status, how many snapshots came late, about how many agents
    inventory, heartbeats and scrapes disagree, and how far the groups of rules are."""
    state = request.app.state
    heard = state.still_running.heard()
    gauges = agent_gauges(session, state.settings.offline_after_seconds, heard)
    gauges += rule_gauges(session)
    _, content_type = choose_encoder(request.headers.get("accept", ""))
    end = "# EOF\n" if content_type.startswith("application/openmetrics-text") else ""
    return Response(gauges + end, headers={"Content-Type": content_type})
