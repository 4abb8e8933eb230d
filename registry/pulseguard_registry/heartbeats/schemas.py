"""Heartbeats on the wire."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from pulseguard_registry.agents.schemas import State
from pulseguard_registry.agents.status import Status
from pulseguard_registry.snapshots.schemas import Snapshot


class Heartbeat(BaseModel):
    """Alive; with a goodbye the last one; once a minute with a snapshot."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"state": "working"}]}
    )

    state: State = "idle"
    goodbye: bool = Field(
        False, strict=True, description="A clean stop: OFFLINE, out of discovery, no alert."
    )
    snapshot: Snapshot | None = None


class HeartbeatReceipt(BaseModel):
    """The agent's status after this heartbeat."""

    status: Status
