"""Agents on the wire."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from pulseguard_registry.agents.status import Status
from pulseguard_registry.discovery.labels import check_label_name
from pulseguard_registry.fields import Name, OptionalName, Prose

AgentType = Literal["LLM_AGENT", "TASK_AGENT", "API_AGENT", "MONITOR_AGENT", "DATA_AGENT", "CUSTOM"]
DeploymentType = Literal["DOCKER", "KUBERNETES", "LOCAL", "CLOUD", "SERVERLESS"]
State = Literal["idle", "working", "waiting", "stuck", "draining", "failed"]
LabelName = Annotated[str, AfterValidator(check_label_name)]

CONFIG_LIMIT_CHARACTERS = 16_384
_BITS = 63


def _config_is_small_and_storable(config: dict[str, Any]) -> dict[str, Any]:
    if _holds_nul(config):
        raise ValueError("holds the character U+0000, which cannot be kept; take it out")
    if _holds_huge_number(config):
        raise ValueError("holds a number of more than 64 bits; send it as text")
    # A number too large for a float was read as infinity, which is no JSON.
    if len(json.dumps(config, ensure_ascii=False, allow_nan=False)) > CONFIG_LIMIT_CHARACTERS:
        raise ValueError(
            f"is larger than {CONFIG_LIMIT_CHARACTERS} characters; send what matters only"
        )
    return config


def _holds_nul(value: object) -> bool:
    if isinstance(value, dict):
        return any(_holds_nul(part) for pair in value.items() for part in pair)
    if isinstance(value, list):
        return any(map(_holds_nul, value))
    return isinstance(value, str) and "\x00" in value


def _holds_huge_number(value: object) -> bool:
    """Whether there is one that other readers of JSON would take for another number."""
    if isinstance(value, dict):
        return any(map(_holds_huge_number, value.values()))
    if isinstance(value, list):
        return any(map(_holds_huge_number, value))
    return isinstance(value, int) and value.bit_length() > _BITS


Tags = Annotated[list[Name], Field(max_length=20)]
Labels = Annotated[dict[LabelName, OptionalName], Field(max_length=20)]
# Any: the agent's own configuration, kept as it is.
Config = Annotated[dict[str, Any], AfterValidator(_config_is_small_and_storable)]


class AgentRegister(BaseModel):
    """What an agent says of itself when it starts; the same again is harmless."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "name": "invoice-bot",
                    "instance": "web-1-0",
                    "environment": "production",
                    "team": "finance",
                    "version": "2.1.0",
                    "metrics_address": "127.0.0.1:9464",
                }
            ]
        },
    )

    name: Name = Field(examples=["invoice-bot"])
    instance: Name = Field(description="Tells apart agents of one name.", examples=["web-1-0"])
    environment: Name = Field("production", examples=["production"])
    team: OptionalName = ""
    type: AgentType = "LLM_AGENT"
    version: OptionalName = Field("", examples=["2.1.0"])
    description: Prose = ""
    deployment_type: DeploymentType = "LOCAL"
    host: OptionalName = ""
    tags: Tags = []
    labels: Labels = {}
    config: Config = {}
    metrics_address: OptionalName | None = Field(
        None,
        description="host:port at which Prometheus finds /metrics.",
        examples=["10.0.0.7:9464"],
    )


class AgentPatch(BaseModel):
    """A JSON merge patch (RFC 7396) of an agent: what is not named stays; null takes away.

    What an operator sets as description, team, tags or labels stays when the agent registers
    again, until an operator sets it to null. The rest is the agent's: its next registration
    writes it anew.
    """

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"team": "finance", "labels": {"tier": "gold"}}]},
    )

    description: Prose | None = None
    team: OptionalName | None = None
    tags: Tags | None = None
    labels: dict[LabelName, OptionalName | None] | None = Field(
        None, description="Merged label by label; null takes one away.", max_length=20
    )
    config: dict[str, Any] | None = Field(None, description="Merged, however deep it is.")
    version: OptionalName | None = None
    host: OptionalName | None = None


class Merged(BaseModel):
    """What a merge can make too large."""

    labels: Labels
    config: Config


class Agent(BaseModel):
    """An agent as the registry knows it."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    name: str
    instance: str
    environment: str
    team: str
    type: AgentType
    version: str
    description: str
    deployment_type: DeploymentType
    host: str
    tags: list[str]
    labels: dict[str, str]
    config: dict[str, Any]
    metrics_address: str | None
    state: State = Field(description="What the agent last said of itself.")
    status: Status
    status_reason: str | None = Field(
        description="maintenance, retired, stopped, silent, never_heard, failed or stuck; null"
        " when ONLINE."
    )
    registered_at: datetime
    last_seen_at: datetime | None
    stopped_at: datetime | None
    retired_at: datetime | None
    revision: int = Field(description="Grows with each change of what it is; the ETag holds it.")
    operator_set: list[str] = Field(
        description="What an operator has set: the agent's next registration leaves it."
    )
    maintenance_until: datetime | None = Field(
        description="End of the last planned work; status MAINTENANCE until then."
    )
    maintenance_reason: str


class ScoredAgent(Agent):
    """An agent with the score of its health."""

    health_score: float | None = Field(
        description="0 to 1, as `/agents/{agent_id}/health` explains; null where nothing is known,"
        " and of a retired agent."
    )


class EnrolledAgent(Agent):
    """An agent at its enrolment: the only time the key that it gets is shown."""

    key: str = Field(
        description="Of role agent, and for this agent only. Keep it: the enrolment key ends."
    )


class RetiredAgent(Agent):
    """A retired agent, whether its process runs on, and what brings it back."""

    runs_on: bool = Field(
        description="Whether its process seems to run still: it has beaten within the time after"
        " which one is OFFLINE, and not stopped, a Prometheus scrapes it, or it was heard since it"
        " was retired. End it."
    )
    back_by: Literal["registering", "restoring"] = Field(
        description="`registering`: one that runs on registers by itself within seconds and is"
        " back. `restoring`: its own keys have ended, it is refused until it is restored, and is"
        " to be enrolled again."
    )


class RestoredAgent(Agent):
    """An agent that is back, and whether it can come in."""

    to_be_enrolled: bool = Field(
        description="Whether its own keys have ended: it is refused until it is enrolled again."
    )


class AgentFilters(BaseModel):
    """Which agents to list."""

    model_config = ConfigDict(extra="forbid")

    id: list[uuid.UUID] = Field([], description="These and no others.", max_length=100)
    name: str | None = None
    environment: str | None = None
    team: str | None = None
    type: AgentType | None = None
    status: Status | None = None
    tag: str | None = None
    version: str | None = None
    host: str | None = None
    deployment_type: DeploymentType | None = None
    text: str | None = Field(
        None,
        description="Part of name, instance, description or host, in whatever case.",
        max_length=120,
    )
    include_retired: bool = False
    only_retired: bool = Field(False, description="Those that were retired, and no others.")
    limit: int = Field(100, ge=1, le=500)
    cursor: uuid.UUID | None = Field(None, description="`next_cursor` of the page before.")

    @field_validator("name", "environment", "team", "tag", "version", "host", "text")
    @classmethod
    def _storable(cls, text: str | None) -> str | None:
        if text is not None and "\x00" in text:
            raise ValueError("holds the character U+0000; take it out")
        return text


class AgentPage(BaseModel):
    """One page of the list, ordered by id."""

    items: list[ScoredAgent]
    next_cursor: uuid.UUID | None = Field(description="Null on the last page.")
