"""Keys on the wire."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pulseguard_registry.fields import Instant, Name

Role = Literal["agent", "enrolment", "prometheus", "viewer", "editor", "admin"]

_BOUND = ("agent", "enrolment")


class KeyCreate(BaseModel):
    """A key to be made."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "finance agents",
                    "role": "agent",
                    "environment": "production",
                    "team": "finance",
                }
            ]
        },
    )

    name: Name = Field(description="What it is for, for people.", examples=["finance agents"])
    role: Role
    environment: Name | None = Field(
        None,
        description="The only environment it may speak for; required for agent and enrolment.",
    )
    team: Name | None = Field(None, description="The only team it may speak for.")
    expires_at: Instant | None = Field(
        None,
        description="When it ends; never if absent. Role enrolment needs it, 24 h ahead at most.",
    )

    @model_validator(mode="after")
    def _bounds_fit(self) -> Self:
        if self.role in _BOUND and self.environment is None:
            raise ValueError(
                f"a key of role {self.role} needs an environment; name the one it speaks for"
            )
        if self.role not in _BOUND and (self.environment or self.team):
            raise ValueError(
                "only keys of role agent and enrolment have an environment and a team;"
                " leave them out"
            )
        if self.role == "enrolment" and self.expires_at is None:
            raise ValueError("a key of role enrolment needs an end; give expires_at, 24 h at most")
        return self


class Key(BaseModel):
    """A key without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    name: str
    role: Role
    environment: str | None
    team: str | None
    created_at: datetime
    agent_id: uuid.UUID | None = Field(
        description="The agent whose own it is, and for which alone it speaks."
    )
    enrolled_by: uuid.UUID | None = Field(
        description="The key of role enrolment that made it, and with which it ends."
    )
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None = Field(description="To within a minute; null: never.")


class NewKey(Key):
    """A key at its making: the only time its secret is shown."""

    key: str = Field(description="Send it as `Authorization: Bearer <key>`. Not shown again.")


class Revoked(BaseModel):
    """A key that has ended."""

    id: uuid.UUID
    own_keys_ended: int = Field(
        description="How many own keys of the agents that it enrolled have ended with it, now."
    )


class KeyFilters(BaseModel):
    """Which keys to list."""

    model_config = ConfigDict(extra="forbid")

    own: bool | None = Field(
        None, description="true: only those that are an agent's own; false: only the others."
    )
    limit: int = Field(100, ge=1, le=500)
    cursor: str | None = Field(None, description="`next_cursor` of the page before.")


class KeyPage(BaseModel):
    """One page of the keys, the newest first."""

    items: list[Key]
    next_cursor: str | None = Field(description="Null on the last page.")
