"""/agents/{id}/timeline: what happened to an agent and around it."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import PEOPLE, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.agents.service import read_agent
from pulseguard_registry.alerts.timeline import Timeline, TimelineFilters, read_timeline
from pulseguard_registry.database.engine import DatabaseSession
from pulseguard_registry.strict_json import StrictRoute

router = APIRouter(
    prefix=f"{API_PREFIX}/agents/{{agent_id}}", tags=["agents"], route_class=StrictRoute
)
People = Annotated[Principal, requires(*PEOPLE)]


@router.get("/timeline")
def get_timeline(
    agent_id: uuid.UUID,
    filters: Annotated[TimelineFilters, Query()],
    reader: People,
    session: DatabaseSession,
    request: Request,
) -> Timeline:
    """Its events, its alerts as they began, ended and were acknowledged, all in the order of time,
    the newest first, a page at a time."""
    read_agent(session, agent_id, request.app.state.settings.offline_after_seconds)
    return read_timeline(session, agent_id, filters)
