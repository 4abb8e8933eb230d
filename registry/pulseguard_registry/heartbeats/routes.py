"""/agents/{id}/heartbeat and the pushing of snapshots: direct routes over the group commit."""

from __future__ import annotations

import uuid
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import admits, check_bound
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.agents import models
from pulseguard_registry.agents.service import unknown_agent
from pulseguard_registry.agents.status import TROUBLED_STATES, Status
from pulseguard_registry.database.engine import Database
from pulseguard_registry.heartbeats.schemas import Heartbeat, HeartbeatReceipt
from pulseguard_registry.heartbeats.statement import Outcome, Write
from pulseguard_registry.openapi import direct_body
from pulseguard_registry.problems import Problem, refusal, validation_problem
from pulseguard_registry.snapshots.schemas import SnapshotPush, SnapshotReceipt
from pulseguard_registry.strict_json import DirectRoute, refuse_repeated_names

router = APIRouter(
    prefix=f"{API_PREFIX}/agents/{{agent_id}}", tags=["heartbeats"], route_class=DirectRoute
)

Body = TypeVar("Body", bound=BaseModel)

BODIES = (Heartbeat, SnapshotPush)


@router.post("/heartbeat", response_model=HeartbeatReceipt, openapi_extra=direct_body(Heartbeat))
@admits("agent", "admin")
async def receive_heartbeat(request: Request, principal: Principal) -> Response:
    """Alive. With `goodbye` the agent ends cleanly; with `snapshot` it reports its minute.
    Answered after a durable commit; a 404 asks the agent to register again."""
    beat = _parse(Heartbeat, await request.body())
    snapshots = (beat.snapshot,) if beat.snapshot is not None else ()
    outcome = await _submit(request, principal, snapshots, beat)
    telemetry = request.app.state.telemetry
    telemetry.count_heartbeat("goodbye" if beat.goodbye else "alive")
    telemetry.count_snapshots(outcome.stored, len(snapshots) - outcome.stored)
    return _json(HeartbeatReceipt(status=_status_after(beat)))


@router.post("/ai-metrics", response_model=SnapshotReceipt, openapi_extra=direct_body(SnapshotPush))
@admits("agent", "admin")
async def receive_snapshots(request: Request, principal: Principal) -> Response:
    """Store up to 100 snapshots, for instance those of a time when the registry was away."""
    push = _parse(SnapshotPush, await request.body())
    outcome = await _submit(request, principal, push.snapshots, None)
    repeated = len(push.snapshots) - outcome.stored
    request.app.state.telemetry.count_snapshots(outcome.stored, repeated)
    return _json(SnapshotReceipt(stored=outcome.stored, repeated=repeated))


async def _submit(
    request: Request,
    principal: Principal,
    snapshots: Any,  # Any: a list or a tuple of Snapshot
    beat: Heartbeat | None,
) -> Outcome:
    agent_id = _agent_id(request)
    outcome: Outcome = await request.app.state.group_commit.submit(
        Write(
            agent_id=agent_id,
            environment=principal.environment,
            team=principal.team,
            state=beat.state if beat is not None else None,
            goodbye=beat is not None and beat.goodbye,
            snapshots=snapshots,
        )
    )
    if not outcome.found:
        raise await run_in_threadpool(_why_not_found, request, principal, agent_id)
    return outcome


def _why_not_found(request: Request, principal: Principal, agent_id: uuid.UUID) -> Problem:
    """404 for an unknown or retired agent; 403 for one outside of the key's bound."""
    database: Database = request.app.state.database
    query = select(models.Agent.environment, models.Agent.team).where(
        models.Agent.id == agent_id,
        models.Agent.retired_at.is_(None),
        models.Agent.stopped_at.is_(None),
    )
    with database.sessions() as session:
        row = session.execute(query).one_or_none()
    if row is None:
        return unknown_agent(agent_id)
    try:
        check_bound(principal, row.environment, row.team)
    except Problem as problem:
        return problem
    return unknown_agent(agent_id)  # it came back in between: registering again is harmless


def _parse(model: type[Body], body: bytes) -> Body:
    if not body:
        raise Problem(422, "the body is missing; send a JSON object")
    try:
        parsed = model.model_validate_json(body)
        refuse_repeated_names(body)
    except ValidationError as error:
        raise validation_problem(error.errors(include_url=False)) from None
    except ValueError as error:
        raise Problem(422, f"body: is no valid JSON ({error}); send a JSON object") from None
    return parsed


def _agent_id(request: Request) -> uuid.UUID:
    given = request.path_params["agent_id"]
    try:
        return uuid.UUID(given)
    except ValueError:
        raise refusal("agent_id", given, "is no UUID; use the id that registering gave") from None


def _status_after(beat: Heartbeat) -> Status:
    if beat.goodbye:
        return "OFFLINE"
    return "ERROR" if beat.state in TROUBLED_STATES else "ONLINE"


def _json(model: BaseModel) -> Response:
    return Response(model.model_dump_json(), media_type="application/json")
