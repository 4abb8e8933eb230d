"""Audit records on the wire."""

from __future__ import annotations

import uuid
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from pulseguard_registry.fields import Instant, Name


class Record(BaseModel):
    """One change that was made."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    recorded_at: datetime
    key_id: uuid.UUID | None = Field(description="All zeros where access control was off.")
    key_name: str = Field(description="The key's name at that time.")
    role: str
    method: str
    route: str = Field(examples=["/api/v1/agents/{agent_id}"])
    object_type: str = Field(examples=["agents"])
    object_id: str = Field(description="Empty where the change is of no one object.")
    status: int = Field(description="The HTTP status of the answer; refusals leave no record.")
    request_id: str = Field(description="As in the answer's X-Request-ID, and in the log.")


class AuditFilters(BaseModel):
    """Which records to list."""

    model_config = ConfigDict(extra="forbid")

    key_id: uuid.UUID | None = Field(None, description="Changes made with this key.")
    object_type: Name | None = Field(None, examples=["keys"])
    object_id: Name | None = None
    since: Instant | None = Field(None, description="Recorded then or later.")
    until: Instant | None = Field(None, description="Recorded before.")
    limit: int = Field(100, ge=1, le=500)
    cursor: int | None = Field(
        None, ge=1, lt=2**63, description="`next_cursor` of the page before."
    )


class AuditPage(BaseModel):
    """One page of the records, the newest first."""

    items: list[Record]
    next_cursor: int | None = Field(description="Null on the last page.")
