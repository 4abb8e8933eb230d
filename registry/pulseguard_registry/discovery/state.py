"""Tells the state of discovery from memory, and lets a held-back change through."""

from __future__ import annotations

import math

from sqlalchemy import text
from sqlalchemy.orm import Session

from pulseguard_registry.agents.silence import Watch
from pulseguard_registry.discovery.follower import TargetFollower
from pulseguard_registry.discovery.schemas import (
    AGENTS_NAMED,
    DiscoveryState,
    HeldBack,
    Release,
    SilenceJudged,
)
from pulseguard_registry.discovery.store import GuardRow

IN_DOUBT_SECONDS = 3.0

# The version of the targets is bumped by it, so every registry decides again within its next tick.
_RELEASE = text("""
UPDATE discovery_guard
   SET held_until = now(), released_at = now(), released_by = :by, released_targets = held_targets
 WHERE held_until > now()
RETURNING held_targets
""")


def release(session: Session, by: str) -> int:
    """Let the targets go that are held back; returns how many. Again changes nothing."""
    return session.execute(_RELEASE, {"by": by}).scalar_one_or_none() or 0


def state_of(
    follower: TargetFollower,
    watch: Watch | None,
    age_seconds: float,
    in_doubt: bool,
    refused: dict[str, int],
) -> DiscoveryState:
    """What is known now, though it may be in doubt."""
    current = follower.current
    return DiscoveryState(
        in_doubt=in_doubt,
        confirmed_seconds_ago=round(age_seconds, 3) if math.isfinite(age_seconds) else None,
        targets=current.count if current else 0,
        etag=current.etag if current else None,
        since=follower.since,
        held_back=_held_back(follower),
        holds=follower.row.holds if follower.row else 0,
        last_release=_last_release(follower.row),
        refused=refused,
        silence=SilenceJudged.model_validate(watch, from_attributes=True) if watch else None,
    )


def is_in_doubt(follower: TargetFollower, age_seconds: float) -> bool:
    """Whether the list must not be served: the database has not confirmed it just now."""
    return follower.current is None or age_seconds > IN_DOUBT_SECONDS


def _held_back(follower: TargetFollower) -> HeldBack | None:
    hold, held = follower.served.hold, sorted(follower.served.held)
    if hold is None:
        return None
    return HeldBack(
        targets=len(held), agents=held[:AGENTS_NAMED], since=hold.since, until=hold.until
    )


def _last_release(row: GuardRow | None) -> Release | None:
    if row is None or row.released_at is None:
        return None
    return Release(at=row.released_at, by=row.released_by or "", targets=row.released_targets or 0)
