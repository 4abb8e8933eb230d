"""Events on the wire."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from pulseguard_registry.fields import Instant

Kind = Literal[
    "registered",
    "returned",
    "stopped",
    "retired",
    "restored",
    "version_changed",
    "changed",
    "maintenance_began",
    "maintenance_changed",
    "maintenance_ended",
    "status_changed",
    "two_processes_began",
    "two_processes_ended",
]


class Event(BaseModel):
    """One thing that happened to an agent."""

    id: int
    agent_id: uuid.UUID
    at: datetime
    kind: Kind
    was: str | None = Field(
        serialization_alias="from", description="Version, status or end of maintenance before."
    )
    became: str | None = Field(serialization_alias="to", description="The same, after.")
    detail: dict[str, Any] = Field(
        description="`fields` that changed, the `cause` (agent, operator, silent, stopped), the"
        " `reason` of a status or of maintenance."
    )

    model_config = ConfigDict(from_attributes=True)


class EventFilters(BaseModel):
    """Which events to list."""

    model_config = ConfigDict(extra="forbid")

    kind: list[Kind] = Field([], max_length=20, description="One or several; all if absent.")
    since: Instant | None = Field(None, description="Not before this moment.")
    until: Instant | None = Field(None, description="Before this moment.")
    limit: int = Field(100, ge=1, le=500)
    cursor: int | None = Field(
        None, ge=1, lt=2**63, description="`next_cursor` of the page before."
    )


class EventPage(BaseModel):
    """One page of the events, the newest first."""

    items: list[Event]
    next_cursor: int | None = Field(description="Null on the last page.")
