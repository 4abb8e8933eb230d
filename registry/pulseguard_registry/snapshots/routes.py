"""/agents/{id}/ai-metrics, the reading side: the latest snapshot, a range, or a series."""

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
from pulseguard_registry.snapshots.schemas import SnapshotPage, SnapshotQuery, SnapshotSeries
from pulseguard_registry.snapshots.series import plan_series, read_series
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
) -> SnapshotPage | SnapshotSeries:
    """The eight AI fields: the latest snapshot, with `from` and `to` those taken in a range, or
    with `step` their aggregation by steps."""
    plan = plan_series(query, request.app.state.clock.now())
    agent = read_agent(session, agent_id, request.app.state.settings.offline_after_seconds)
    check_bound(reader, agent_id, agent.environment, agent.team)
    if plan is not None:
        return read_series(session, agent_id, plan)
    return service.read_snapshots(session, agent_id, query)
