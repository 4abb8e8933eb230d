"""The fleet on the wire."""

from __future__ import annotations

import uuid
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pulseguard_registry.agents.schemas import AgentType, DeploymentType
from pulseguard_registry.agents.status import Status


class AgentCounts(BaseModel):
    """The agents that were not retired, counted."""

    total: int
    by_status: dict[Status, int]
    by_environment: dict[str, int]
    by_type: dict[AgentType, int]


class DatabaseState(BaseModel):
    """PostgreSQL as the registry finds it."""

    version: str = Field(examples=["18.0"])
    schema_revision: str
    size_bytes: int


class TargetState(BaseModel):
    """The list that Prometheus gets."""

    count: int
    age_seconds: float = Field(description="Since the database last confirmed it.")


class SnapshotCounts(BaseModel):
    """The AI-metrics snapshots that are kept, as PostgreSQL estimates them: counting takes long."""

    stored: int
    late: int = Field(description="Of these, so late or early that no day is kept open for them.")


class SystemStatus(BaseModel):
    """The fleet and its registry in one answer."""

    version: str
    uptime_seconds: float = Field(description="Of the registry that answers.")
    agents: AgentCounts
    database: DatabaseState
    targets: TargetState
    snapshots: SnapshotCounts
    alerts_firing: int


class DeployedAgent(BaseModel):
    """An agent on a host."""

    id: uuid.UUID
    name: str
    instance: str
    team: str
    type: AgentType
    version: str
    deployment_type: DeploymentType
    status: Status
    status_reason: str | None


class Host(BaseModel):
    """A host and what runs there."""

    host: str = Field(description="Empty: those that name none.")
    environments: dict[str, list[DeployedAgent]]


# Before the last host of a page: a host may have no name, and a cursor that is empty would look
# like none.
AFTER: Final = "after:"


class DeploymentFilters(BaseModel):
    """Which agents the map shows."""

    model_config = ConfigDict(extra="forbid")

    environment: str | None = None
    team: str | None = None
    type: AgentType | None = None
    status: Status | None = None
    deployment_type: DeploymentType | None = None
    limit: int = Field(50, ge=1, le=200, description="Of hosts.")
    cursor: str | None = Field(
        None, max_length=120 + len(AFTER), description="`next_cursor` of the page before."
    )

    @field_validator("cursor")
    @classmethod
    def _from_us(cls, text: str | None) -> str | None:
        if text is not None and not text.startswith(AFTER):
            raise ValueError("is no `next_cursor` of a page before; leave it out to begin")
        return text

    @field_validator("environment", "team", "cursor")
    @classmethod
    def _storable(cls, text: str | None) -> str | None:
        if text is not None and "\x00" in text:
            raise ValueError("holds the character U+0000; take it out")
        return text


class DeploymentMap(BaseModel):
    """One page of hosts, ordered by name."""

    items: list[Host]
    next_cursor: str | None = Field(description="Null on the last page.")
