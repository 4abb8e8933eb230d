"""Keys on the wire."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal, LiteralString

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from pulseguard_registry.fields import NEEDED, Instant, Name

Role = Literal["agent", "enrolment", "prometheus", "viewer", "editor", "admin"]

_BOUND = ("agent", "enrolment")
_NO_ENVIRONMENT: LiteralString = (
    "is missing: a key of role {role} needs an environment; name the one it speaks for"
)
_NO_END: LiteralString = (
    "is missing: a key of role enrolment needs an end; give one, 24 h ahead at most"
)


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
        validate_default=True,
        description="The only environment it may speak for; required for agent and enrolment.",
    )
    team: Name | None = Field(None, description="The only team it may speak for.")
    expires_at: Instant | None = Field(
        None,
        validate_default=True,
        description="When it ends; never if absent. Role enrolment needs it, 24 h ahead at most.",
    )

    @field_validator("environment")
    @classmethod
    def _bound_has_one(cls, environment: str | None, told: ValidationInfo) -> str | None:
        if environment is None and (role := told.data.get("role")) in _BOUND:
            raise PydanticCustomError(NEEDED, _NO_ENVIRONMENT, {"role": role})
        return environment

    @field_validator("environment", "team")
    @classmethod
    def _only_bound_have(cls, name: str | None, told: ValidationInfo) -> str | None:
        if name is not None and told.data.get("role", "agent") not in _BOUND:
            raise ValueError("is for keys of role agent and enrolment only; leave it out")
        return name

    @field_validator("expires_at")
    @classmethod
    def _enrolment_ends(cls, end: datetime | None, told: ValidationInfo) -> datetime | None:
        if end is None and told.data.get("role") == "enrolment":
            raise PydanticCustomError(NEEDED, _NO_END)
        return end


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
    given_as: str | None = Field(
        description="The file from which the registry has taken it over, and whose next key ends"
        " it; null: none."
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
