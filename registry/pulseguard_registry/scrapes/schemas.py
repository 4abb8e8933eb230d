"""What sync tells of scrapes, and where the views of an agent disagree."""

from __future__ import annotations

import uuid
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from pulseguard_registry.agents.status import Status

ScrapeState = Literal["up", "down", "absent"]


class ScrapeReportSent(BaseModel):
    """All that one Prometheus scrapes; whoever is not named is absent."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"scrapes": {"0f8c4b0e-3f0e-5a52-8f5e-0a4a1f0f7a55": "up"}}]
        },
    )

    scrapes: dict[uuid.UUID, ScrapeState] = Field(
        description="By agent_id: up, down (the last scrape failed), or absent. A body of 1 MiB"
        " holds hardly more.",
        max_length=23_000,
        examples=[{"0f8c4b0e-3f0e-5a52-8f5e-0a4a1f0f7a55": "up"}],
    )


class ScrapeReceipt(BaseModel):
    """What became of a report."""

    changed: int = Field(description="Agents whose state differs from the report before.")
    strangers: int = Field(description="Agents that are scraped and not registered.")


DisagreementKind = Literal[
    "registered_not_scraped",
    "scraped_not_registered",
    "scraped_but_silent",
    "beats_but_down",
    "retired_but_scraped",
    "retired_but_heard",
    "two_processes",
]
KINDS: tuple[DisagreementKind, ...] = get_args(DisagreementKind)


class Disagreement(BaseModel):
    """An agent of whom two of inventory, heartbeats and scrapes tell different things, as whom two
    processes beat, or that is retired and runs on."""

    kind: DisagreementKind
    agent_id: str
    name: str | None = None
    instance: str | None = None
    status: Status | None = None
    scraped: ScrapeState | None = None
    processes: list[str] = Field([], description="Those that beat as this one agent.")


class Disagreements(BaseModel):
    """The first 500 of each kind, ordered by kind and id, and how many there are."""

    prometheus: list[str] = Field(description="Those that told of their scrapes within a minute.")
    totals: dict[DisagreementKind, int] = Field(
        description="How many there are of a kind, with those that `items` leaves out."
    )
    items: list[Disagreement]
