"""/discovery: what Prometheus, or sync beside it, asks."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import PEOPLE, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.database.engine import DatabaseSession
from pulseguard_registry.discovery import state as discovery_state
from pulseguard_registry.discovery.schemas import DiscoveryState, Released
from pulseguard_registry.guarded_route import GuardedRoute
from pulseguard_registry.problems import unavailable

router = APIRouter(prefix=f"{API_PREFIX}/discovery", tags=["discovery"], route_class=GuardedRoute)
Scraper = Annotated[Principal, requires("prometheus", *PEOPLE)]
Operator = Annotated[Principal, requires("editor", "admin")]

_EXAMPLE = [
    {
        "targets": ["10.0.0.7:9464"],
        "labels": {
            "agent_id": "0f8c4b0e-3f0e-5a52-8f5e-0a4a1f0f7a55",
            "agent": "invoice-bot",
            "instance": "web-1-0",
            "agent_type": "LLM_AGENT",
            "environment": "production",
            "team": "finance",
        },
    }
]
_TAGGED = {"ETag": {"description": "Of the list, for If-None-Match", "schema": {"type": "string"}}}
_RESPONSES = {
    200: {
        "description": "An http_sd document",
        "headers": _TAGGED,
        "content": {"application/json": {"schema": {"type": "array"}, "example": _EXAMPLE}},
    },
    304: {
        "description": "The list is still the one with the ETag in If-None-Match",
        "headers": _TAGGED,
    },
}
Known = Annotated[
    str, Header(alias="If-None-Match", description="The ETag of the list that the asker has.")
]


@router.get("/targets", responses=_RESPONSES, response_class=Response)  # type: ignore[arg-type]
async def read_targets(scraper: Scraper, request: Request, known: Known = "") -> Response:
    """The list of targets for Prometheus' http_sd. What the database has not confirmed within the
    last 3 s is answered 503, on which Prometheus keeps the list that it has."""
    state = request.app.state
    targets = state.targets.current
    if discovery_state.is_in_doubt(state.targets, _age_seconds(request)):
        state.telemetry.count_refused_targets("unconfirmed")
        raise unavailable("the database has not confirmed the target list within 3 s; keep yours")
    headers = {"ETag": targets.etag, "Cache-Control": "no-cache"}
    if targets.etag in known:
        return Response(status_code=304, headers=headers)
    # The media type exactly: Prometheus refuses any parameter but a charset.
    return Response(targets.body, headers=headers, media_type="application/json")


@router.get("/state")
async def read_state(scraper: Scraper, request: Request) -> DiscoveryState:
    """What the list holds and since when, what is held back, whether it is in doubt. Answered from
    memory, while the database is away too."""
    state = request.app.state
    age_seconds = _age_seconds(request)
    in_doubt = discovery_state.is_in_doubt(state.targets, age_seconds)
    return discovery_state.state_of(
        state.targets,
        state.silence.current,
        age_seconds,
        in_doubt or state.supervisor.trouble is not None,
        state.telemetry.refused_targets(),
    )


@router.post("/release")
def release_targets(operator: Operator, session: DatabaseSession) -> Released:
    """Let the targets go that are held back. Again, or where nothing is held back, changes
    nothing."""
    return Released(released=discovery_state.release(session, operator.name))


def _age_seconds(request: Request) -> float:
    confirmed_at: float = request.app.state.supervisor.confirmed_at
    return time.monotonic() - confirmed_at
