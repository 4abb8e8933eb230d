"""The history of alerts as it is read: entries, filters, acknowledgements."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pulseguard_registry.alerts.schemas import AlertStatus
from pulseguard_registry.fields import Instant, Prose
from pulseguard_registry.snapshots.schemas import StoredSnapshot


def _without_null(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds the character U+0000; take it out")
    return text


# As it stands in an entry, which may hold any other character.
Sought = Annotated[str, AfterValidator(_without_null)]


class AgentThen(BaseModel):
    """The agent as it was when the alert began, as far as it was known when that was told first:
    it stays with the entry when events and snapshots are dropped."""

    version: str
    status: str = Field(description="By the change of status that was told last before.")
    snapshot: StoredSnapshot | None = Field(
        description="The latest that was taken before; null where none was kept."
    )


class Acknowledged(BaseModel):
    """Who has seen an alert. It goes on being notified: this silences nothing."""

    by: str = Field(description="The name of the key.")
    key_id: uuid.UUID | None = Field(description="All zeros where access control was off.")
    at: datetime
    note: str


class Acknowledging(BaseModel):
    """An acknowledgement to be made."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"note": "I restart it"}]}
    )

    note: Prose = Field("", description="For others to read.")


class Alert(BaseModel):
    """One entry of the history: an alert began to fire, or was resolved."""

    id: int
    fingerprint: str
    status: AlertStatus
    alertname: str
    severity: str
    agent_id: uuid.UUID | None = Field(description="The agent of its label agent_id, where known.")
    agent_name: str = Field(description="Its label agent, else the name of the agent.")
    environment: str
    team: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime = Field(description="When it began to fire; the same in both entries.")
    ends_at: datetime | None = Field(description="When it was resolved; null while firing.")
    generator_url: str
    received_at: datetime = Field(description="When it was told first.")
    last_told_at: datetime = Field(
        description="When it was told last: about every minute while it fires."
    )
    fires: bool = Field(
        description="Whether it fires now. False for an entry `firing` without an end: the end is"
        " not known, since it came while Alertmanager or Prometheus was away; it was after"
        " `last_told_at`."
    )
    is_test: bool = Field(description="Whether it was a test of the way, about no agent.")
    agent_then: AgentThen | None = Field(
        description="The agent as it was when the alert began; null where none is known."
    )
    acknowledged: Acknowledged | None = Field(
        description="Of the alert: both entries have it. Null where nobody has."
    )


class AlertFilters(BaseModel):
    """Which entries of the history to list."""

    model_config = ConfigDict(extra="forbid")

    status: AlertStatus | None = Field(
        None, description="`firing`: what fires now, so not every entry of this status."
    )
    agent_id: uuid.UUID | None = None
    alertname: Sought | None = Field(None, examples=["AgentDown"])
    severity: Sought | None = Field(None, examples=["critical"])
    agent_name: Sought | None = Field(None, examples=["invoice-bot"])
    environment: Sought | None = Field(None, examples=["production"])
    team: Sought | None = None
    acknowledged: bool | None = Field(None, description="Whether somebody has acknowledged it.")
    since: Instant | None = Field(None, description="Began then or later.")
    until: Instant | None = Field(None, description="Began before.")
    limit: int = Field(100, ge=1, le=500)
    cursor: int | None = Field(
        None, ge=1, lt=2**63, description="`next_cursor` of the page before."
    )


class AlertPage(BaseModel):
    """One page of the history, what was told last coming first."""

    items: list[Alert]
    next_cursor: int | None = Field(description="Null on the last page.")
