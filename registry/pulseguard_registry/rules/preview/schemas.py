"""What a preview answers."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

# As Prometheus writes numbers, which JSON cannot all have.
Value = str


class Firing(BaseModel):
    """A series that the expression has now, as the alert or the recorded series that it makes."""

    labels: dict[str, str] = Field(
        description="Of the series, with the rule's own, but for those with templates in them."
    )
    value: Value = Field(examples=["0.25", "NaN"])
    state: Literal["firing", "pending", "recorded"] = Field(
        description="`pending`: it holds, and not yet for as long as `for` says."
    )
    since: datetime | None = Field(None, description="Since when it holds; null: recorded.")


class Past(BaseModel):
    """A time in which the alert would have fired."""

    labels: dict[str, str]
    began: datetime = Field(description="When it would have begun to fire.")
    ended: datetime | None = Field(description="Null: it would fire still.")
    value: Value = Field(description="The last one in this time.")


class Preview(BaseModel):
    """What a rule does now and would have done; the first 500 of each list."""

    at: datetime = Field(description="The moment that is now.")
    series: int = Field(description="How many series the expression has now.")
    firing: int = Field(0, description="How many of them would fire.")
    now: list[Firing]
    hours: float | None = Field(None, description="How far back it looked; null: recorded.")
    step_seconds: float | None = Field(
        None, description="Every so often: what held for less may be missing."
    )
    fired: int = Field(0, description="How often it would have fired, all series together.")
    fired_for_agents: int = Field(0, description="For how many agents.")
    past: list[Past] = Field([], description="The newest first.")
