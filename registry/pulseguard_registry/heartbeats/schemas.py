"""Heartbeats on the wire."""

from __future__ import annotations

import uuid

from pydantic import BaseModel, ConfigDict, Field

from pulseguard_registry.agents.schemas import State
from pulseguard_registry.agents.status import Status
from pulseguard_registry.problems import Fault
from pulseguard_registry.snapshots.schemas import Snapshot

MOST_HEARTBEATS = 500


class Heartbeat(BaseModel):
    """Alive; with a goodbye the last one; once a minute with a snapshot."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"state": "working", "process": "web-1:4711:9f86d081884c"}]
        },
    )

    state: State = "idle"
    goodbye: bool = Field(
        False, strict=True, description="A clean stop: OFFLINE, out of discovery, no alert."
    )
    snapshot: Snapshot | None = None
    process: str | None = Field(
        None,
        pattern=r"^[!-~]{1,120}$",
        description="Names the process that beats, and no other: host:number:random. Two that beat"
        " as one agent are told by it.",
        examples=["web-1:4711:9f86d081884c"],
    )


class HeartbeatReceipt(BaseModel):
    """The agent's status after this heartbeat."""

    status: Status
    detail: str | None = Field(None, description="Where its snapshot was too old to be kept.")


class AgentHeartbeat(Heartbeat):
    """A heartbeat among those of others."""

    agent_id: uuid.UUID


class HeartbeatBulk(BaseModel):
    """Heartbeats of many agents; of several of one agent the last of its newest process counts."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "heartbeats": [
                        {"agent_id": "61ec8b29-a595-5aea-b2c3-8589a6114216", "state": "working"}
                    ]
                }
            ]
        },
    )

    heartbeats: list[AgentHeartbeat] = Field(min_length=1, max_length=MOST_HEARTBEATS)


class HeartbeatResult(BaseModel):
    """What became of one heartbeat of a bulk."""

    code: int = Field(
        description="As the heartbeat alone would be answered: 200 stored, 403 outside of the"
        " key's bound, 404 register again, 422 mend it, 503 not stored, try again."
    )
    status: Status | None = Field(None, description="The agent's after it, where it was stored.")
    detail: str | None = Field(None, description="Where something was not: why, and the mend.")
    errors: list[Fault] = []


class HeartbeatBulkReceipt(BaseModel):
    """What became of each heartbeat, in the order in which they were sent."""

    results: list[HeartbeatResult]
