"""/agents/{id}/ai-metrics, the reading side: the latest snapshot, or those of a range."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import PEOPLE, check_bound, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.agents.service import read_agent
from pulseguard_registry.database.engine import DatabaseSession
from pulseguard_registry.snapshots import service
from pulseguard_registry.snapshots.schemas import SnapshotPage, SnapshotQuery
from pulseguard_registry.strict_json import StrictRoute

router = APIRouter(
    prefix=f"{API_PREFIX}/agents/{{agent_id}}", tags=["AI metrics"], route_class=StrictRoute
)
Reader = Annotated[Principal, requires("agent", *PEOPLE)]


@router.get("/ai-metrics")
def read_snapshots(
    agent_id: uuid.UUID,
    query: Annotated[SnapshotQuery, Query()],
    reader: Reader,
    session: DatabaseSession,
    request: Request,
) -> SnapshotPage:
    """The eight AI fields: the latest snapshot, or with `from` and `to` those taken in a range."""
    agent = read_agent(session, agent_id, request.app.state.settings.offline_after_seconds)
    check_bound(reader, agent.environment, agent.team)
    return service.read_snapshots(session, agent_id, query)
