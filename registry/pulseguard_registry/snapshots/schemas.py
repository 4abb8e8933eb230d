"""Snapshots on the wire."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Annotated, LiteralString

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from pulseguard.catalog.metric import ErrorType
from pulseguard_registry.database.clock import DatabaseClock
from pulseguard_registry.fields import Instant
from pulseguard_registry.snapshots.aggregation import FIELDS, Aggregation, SeriesField
from pulseguard_registry.snapshots.steps import STEP_PATTERN, read_step

# Counts and times that PostgreSQL's bigint and double precision take, and that mean something.
Count = Annotated[int, Field(ge=0, le=2**53, strict=True)]
Amount = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False, strict=True)]
Ratio = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]

# An agent's clock may be wrong, but a snapshot of next month would be there for a month to come.
MOST_AHEAD = timedelta(days=1)
# The type of this fault, among those that pydantic tells.
AHEAD: LiteralString = "taken_ahead"


def _not_ahead(taken_at: datetime, told: ValidationInfo) -> datetime:
    clock: DatabaseClock | None = told.context  # None: it was stored, so it was looked at
    if clock is not None and taken_at > clock.now() + MOST_AHEAD:
        raise PydanticCustomError(
            AHEAD, "lies more than a day in the future; set the agent's clock"
        )
    return taken_at


# Seconds, from 1 to those of a year.
StepSeconds = Annotated[
    int,
    BeforeValidator(read_step),
    WithJsonSchema({"type": "string", "pattern": STEP_PATTERN, "examples": ["300", "5m"]}),
]
TakenAt = Annotated[Instant, AfterValidator(_not_ahead)]


class Tokens(BaseModel):
    """Tokens by kind; the kinds are disjoint, so their sum is true."""

    model_config = ConfigDict(extra="forbid")

    input: Count = Field(0, description="Read by the model, without those from the cache.")
    cache_read: Count = 0
    cache_write: Count = 0
    output: Count = Field(0, description="Written by the model, without reasoning.")
    reasoning: Count = 0


class Snapshot(BaseModel):
    """What happened in the interval that ends at `taken_at`; null is unknown, never guessed."""

    model_config = ConfigDict(extra="forbid")

    taken_at: TakenAt = Field(
        description="End of the interval, by the agent's clock, with its offset."
    )
    interval_seconds: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False, strict=True)]
    model_inference_time_ms: Amount | None = Field(None, description="Mean of the model calls.")
    model_inference_time_p95_ms: Amount | None = None
    model_accuracy: Ratio | None = Field(None, description="Mean of the accuracy evaluations.")
    confidence_score: Ratio | None = Field(None, description="Mean of the confidence scores.")
    tokens_processed: Count = Field(0, description="Tokens of all kinds.")
    tokens_per_second: Amount | None = Field(None, description="Mean generation speed.")
    context_length: Count | None = Field(None, description="Tokens in the context, last call.")
    api_calls_made: Count = Field(0, description="Model calls and other outbound API calls.")
    api_call_latency_ms: Amount | None = Field(None, description="Mean of all these calls.")
    api_call_latency_p95_ms: Amount | None = None
    model_calls: Count = Field(0, description="Model calls, failed ones too.")
    tokens: Tokens = Tokens()
    model_errors: dict[ErrorType, Count] = Field({}, description="Failed model calls by type.")
    tasks_completed: Count = 0
    tasks_failed: Count = 0
    tasks_pending: Count | None = None


class SnapshotPush(BaseModel):
    """Snapshots to store; one that is stored already is left as it is."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "snapshots": [
                        {
                            "taken_at": "2026-11-28T10:00:00+00:00",
                            "interval_seconds": 60,
                            "model_inference_time_ms": 840.5,
                            "model_calls": 12,
                            "api_calls_made": 14,
                            "tokens_processed": 18200,
                        }
                    ]
                }
            ]
        },
    )

    snapshots: list[Snapshot] = Field(min_length=1, max_length=100)


class SnapshotReceipt(BaseModel):
    """What became of pushed snapshots."""

    stored: int = Field(description="Stored now, durably.")
    repeated: int = Field(description="Stored before under the same taken_at; left as they were.")
    refused: int = Field(0, description="Older than what is kept: not stored.")
    detail: str | None = Field(None, description="Why some were refused, and the mend.")


class StoredSnapshot(Snapshot):
    """A snapshot as it was stored."""

    received_at: AwareDatetime


class SnapshotQuery(BaseModel):
    """Which snapshots to read: without a range the latest; with `step` they are aggregated."""

    model_config = ConfigDict(extra="forbid")

    start: Instant | None = Field(None, alias="from", description="Taken at or after.")
    end: Instant | None = Field(None, alias="to", description="Taken before; with `step`, or now.")
    limit: int | None = Field(None, ge=1, le=1000, description="1, or 100 with a range.")
    step: StepSeconds | None = Field(
        None, description="One value for each so many seconds, or such as 90s, 5m, 1h30m, 1d."
    )
    aggregation: Aggregation | None = Field(
        None,
        description="Of the snapshots of a step, avg if absent. avg weighs a mean by the calls that"
        " it is a mean of, and is the largest of 95th percentiles; only counts have a sum.",
    )
    field: list[SeriesField] = Field(
        [], max_length=len(FIELDS), description="One or several; all that have a value if absent."
    )


class SnapshotPage(BaseModel):
    """Snapshots of one agent, the newest first."""

    agent_id: uuid.UUID
    items: list[StoredSnapshot]
    next_to: AwareDatetime | None = Field(
        description="Send it as `to` for the next page; null on the last."
    )


class SeriesPoint(BaseModel):
    """The snapshots taken from `at` until a step later."""

    at: AwareDatetime
    snapshots: int = Field(description="How many there are, at least one.")
    values: dict[SeriesField, float | None] = Field(description="Null where none of them knows.")


class SnapshotSeries(BaseModel):
    """Snapshots of one agent by steps, the oldest first; a step without any is absent."""

    agent_id: uuid.UUID
    start: AwareDatetime = Field(
        serialization_alias="from", description="As asked for, taken down to a whole step."
    )
    end: AwareDatetime = Field(serialization_alias="to", description="The same, taken up.")
    step_seconds: int
    aggregation: Aggregation
    points: list[SeriesPoint]
