"""/agents/{id}/events: what happened to an agent."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import PEOPLE, check_bound, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.agents.service import read_agent
from pulseguard_registry.database.engine import DatabaseSession
from pulseguard_registry.events import service
from pulseguard_registry.events.schemas import EventFilters, EventPage
from pulseguard_registry.strict_json import StrictRoute

router = APIRouter(
    prefix=f"{API_PREFIX}/agents/{{agent_id}}", tags=["agents"], route_class=StrictRoute
)
Reader = Annotated[Principal, requires("agent", *PEOPLE)]


@router.get("/events")
def list_events(
    agent_id: uuid.UUID,
    filters: Annotated[EventFilters, Query()],
    reader: Reader,
    session: DatabaseSession,
    request: Request,
) -> EventPage:
    """Registrations, returns, stops, changes, maintenance and changes of status, the newest
    first, a page at a time. A change of status is told within seconds of its coming about."""
    agent = read_agent(session, agent_id, request.app.state.settings.offline_after_seconds)
    check_bound(reader, agent_id, agent.environment, agent.team)
    return service.list_events(session, agent_id, filters)
