"""The state of discovery on the wire."""

from __future__ import annotations

import uuid
from datetime import datetime

from pydantic import BaseModel, Field

AGENTS_NAMED = 100


class HeldBack(BaseModel):
    """Targets that would have left, too many within a minute: they are served still."""

    targets: int
    agents: list[uuid.UUID] = Field(description=f"The first {AGENTS_NAMED} of them, by id.")
    since: datetime
    until: datetime = Field(description="Then they leave, if nobody releases them before.")


class Release(BaseModel):
    """An operator's word that what was held back is meant."""

    at: datetime
    by: str = Field(description="The name of the key.")
    targets: int


class Released(BaseModel):
    """What a release did."""

    released: int = Field(description="Targets that leave now; 0 where nothing was held back.")


class SilenceJudged(BaseModel):
    """Since when agents are judged by their silence."""

    judged_from: datetime = Field(
        description="A registry has listened since then; a period later silence counts."
    )
    held_until: datetime | None = Field(
        description="Too many fell silent at once: none is called OFFLINE for it before then."
    )
    held_agents: int


class DiscoveryState(BaseModel):
    """What discovery serves, and what it doubts."""

    in_doubt: bool = Field(description="GET /discovery/targets answers 503, and Prometheus waits.")
    confirmed_seconds_ago: float | None = Field(description="Null: never yet.")
    targets: int
    etag: str | None
    since: datetime | None = Field(
        description="The list is the same since then, or since this registry has started."
    )
    held_back: HeldBack | None
    holds: int = Field(description="Falls that were held back, ever.")
    last_release: Release | None
    refused: dict[str, int] = Field(
        description="Requests for targets answered 503 by this registry since its start, by reason."
    )
    silence: SilenceJudged | None
