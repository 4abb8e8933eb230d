"""/agents/{id}/heartbeat and the pushing of snapshots: direct routes over the group commit."""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import admits, check_own
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.heartbeats.bodies import read_body
from pulseguard_registry.heartbeats.schemas import Heartbeat, HeartbeatBulk, HeartbeatReceipt
from pulseguard_registry.heartbeats.service import (
    counts_of,
    kept_of,
    oldest_of,
    status_after,
    tell_refused,
    why_not_found,
    write_of,
)
from pulseguard_registry.heartbeats.statement import Outcome, Write
from pulseguard_registry.openapi import direct_body
from pulseguard_registry.problems import refusal
from pulseguard_registry.snapshots.schemas import SnapshotPush, SnapshotReceipt
from pulseguard_registry.strict_json import DirectRoute
from pulseguard_registry.wording import NO_AGENT_ID

router = APIRouter(
    prefix=f"{API_PREFIX}/agents/{{agent_id}}", tags=["heartbeats"], route_class=DirectRoute
)

BODIES = (Heartbeat, HeartbeatBulk, SnapshotPush)


@router.post("/heartbeat", response_model=HeartbeatReceipt, openapi_extra=direct_body(Heartbeat))
@admits("agent", "admin")
async def receive_heartbeat(request: Request, principal: Principal) -> Response:
    """Alive. With `goodbye` the agent ends cleanly; with `snapshot` it reports its minute.
    Answered after a durable commit; a 404 asks the agent to register again."""
    telemetry, clock = request.app.state.telemetry, request.app.state.clock
    beat = read_body(Heartbeat, await request.body(), telemetry.count_snapshots, clock)
    oldest = oldest_of(request)
    write = write_of(_agent_id(request, principal), beat, principal, oldest)
    outcome = await _submit(request, principal, write)
    telemetry.count_heartbeat("goodbye" if beat.goodbye else "alive")
    if beat.snapshot is None:
        return _json(HeartbeatReceipt(status=status_after(beat, outcome)))
    counts = counts_of(outcome, 1, len(write.snapshots))
    telemetry.count_snapshots(counts)
    detail = tell_refused(counts["refused"], oldest)
    return _json(HeartbeatReceipt(status=status_after(beat, outcome), detail=detail))


@router.post("/ai-metrics", response_model=SnapshotReceipt, openapi_extra=direct_body(SnapshotPush))
@admits("agent", "admin")
async def receive_snapshots(request: Request, principal: Principal) -> Response:
    """Store up to 100 snapshots, for instance those of a time when the registry was away."""
    telemetry, clock = request.app.state.telemetry, request.app.state.clock
    push = read_body(SnapshotPush, await request.body(), telemetry.count_snapshots, clock)
    oldest = oldest_of(request)
    write = Write(
        agent_id=_agent_id(request, principal),
        environment=principal.environment,
        team=principal.team,
        state=None,
        goodbye=False,
        snapshots=kept_of(push.snapshots, oldest),
    )
    outcome = await _submit(request, principal, write)
    counts = counts_of(outcome, len(push.snapshots), len(write.snapshots))
    telemetry.count_snapshots(counts)
    return _json(
        SnapshotReceipt(
            stored=outcome.stored,
            repeated=counts["repeated"],
            refused=counts["refused"],
            detail=tell_refused(counts["refused"], oldest),
        )
    )


async def _submit(request: Request, principal: Principal, write: Write) -> Outcome:
    outcome: Outcome = await request.app.state.group_commit.submit(write)
    if not outcome.found:
        state, wanted = request.app.state, [write.agent_id]
        asked = (state.database, state.still_running, principal, wanted)
        problems = await run_in_threadpool(why_not_found, *asked)
        raise problems[write.agent_id]
    return outcome


def _agent_id(request: Request, principal: Principal) -> uuid.UUID:
    given = request.path_params["agent_id"]
    try:
        agent_id = uuid.UUID(given)
    except ValueError:
        raise refusal("agent_id", given, NO_AGENT_ID) from None
    check_own(principal, agent_id)
    return agent_id


def _json(model: BaseModel) -> Response:
    return Response(model.model_dump_json(exclude_none=True), media_type="application/json")
