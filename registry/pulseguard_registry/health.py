"""/health and /health/ready: whether the registry lives, and whether it can do its work."""

from __future__ import annotations

import time
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from pulseguard_registry import API_PREFIX
from pulseguard_registry.problems import unavailable

router = APIRouter(prefix=f"{API_PREFIX}/health", tags=["health"])


class Liveness(BaseModel):
    """The process answers; nothing else is said."""

    status: Literal["alive"] = "alive"
    version: str


class Readiness(BaseModel):
    """What the registry needs for its work, all of it there."""

    status: Literal["ready"] = "ready"
    database: Literal["up"] = "up"
    schema_revision: str
    target_list_age_seconds: float = Field(description="Since the database last confirmed it.")
    targets: int


@router.get("")
async def read_liveness(request: Request) -> Liveness:
    """Alive: touches neither the database nor the pool of threads. For restarting what hangs."""
    return Liveness(version=request.app.version)


@router.get("/ready")
async def read_readiness(request: Request) -> Readiness:
    """Ready to serve, or a 503 problem that says what is missing. For load balancers."""
    state = request.app.state
    if state.supervisor.trouble is not None:
        raise unavailable(state.supervisor.trouble)
    return Readiness(
        schema_revision=state.schema_revision,
        target_list_age_seconds=round(time.monotonic() - state.supervisor.confirmed_at, 3),
        targets=state.targets.current.count,
    )
