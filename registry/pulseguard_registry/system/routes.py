"""/system: the fleet in one answer."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import PEOPLE, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.alerts.firing import seconds_running
from pulseguard_registry.database.engine import DatabaseSession
from pulseguard_registry.strict_json import StrictRoute
from pulseguard_registry.system import service
from pulseguard_registry.system.deployment import read_deployment_map as read_map
from pulseguard_registry.system.schemas import (
    DatabaseState,
    DeploymentFilters,
    DeploymentMap,
    SystemStatus,
    TargetState,
)

router = APIRouter(prefix=f"{API_PREFIX}/system", tags=["system"], route_class=StrictRoute)
People = Annotated[Principal, requires(*PEOPLE)]
Running = Annotated[float, Depends(seconds_running)]


@router.get("/status")
def read_system_status(
    reader: People, session: DatabaseSession, running: Running, request: Request
) -> SystemStatus:
    """How many agents there are and how they are, and what the registry needs for its work."""
    state = request.app.state
    version, size = service.database_facts(session)
    return SystemStatus(
        version=request.app.version,
        uptime_seconds=round(running, 3),
        agents=service.count_agents(session, state.settings.offline_after_seconds),
        database=DatabaseState(
            version=version, schema_revision=state.schema_revision, size_bytes=size
        ),
        targets=TargetState(
            count=state.targets.current.count,
            age_seconds=round(time.monotonic() - state.supervisor.confirmed_at, 3),
        ),
        snapshots=service.count_snapshots(session),
        alerts_firing=service.count_firing_alerts(session, running),
    )


@router.get("/deployment-map", response_model=DeploymentMap)
def read_deployment_map(
    filters: Annotated[DeploymentFilters, Query()],
    reader: People,
    session: DatabaseSession,
    request: Request,
) -> Response:
    """Each host with the agents that run there, by environment, a page of hosts at a time."""
    page = read_map(session, filters, request.app.state.settings.offline_after_seconds)
    return Response(page, media_type="application/json")
