"""Decides what discovery serves: targets leave it one by one, or on purpose, never in a heap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from pulseguard_registry.discovery.targets import Target

# More than half of the targets, and at least so many, within so long.
FALL_SHARE = 0.5
FALL_LEAST = 5
FALL_WITHIN = timedelta(seconds=60)


class Hold(NamedTuple):
    """A fall that is held back: since when, and when the grace time ends or it was released."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Served:
    """What is served: targets by the id of their agent, those held back among them.

    `lost` says when targets left within the last minute that nobody took away on purpose.
    """

    targets: Mapping[str, Target] = field(default_factory=dict)
    lost: Mapping[str, datetime] = field(default_factory=dict)
    hold: Hold | None = None
    held: Set[str] = frozenset()


class Left(NamedTuple):
    """An agent that is in the inventory, and no target any more."""

    agent_id: str
    stopped_at: datetime | None
    retired_at: datetime | None


def decide(
    served: Served,
    inventory: Mapping[str, Target],
    excused: Set[str],
    now: datetime,
    grace: timedelta,
) -> Served:
    """What is to be served now that the inventory is this one.

    New and changed targets are taken up, and the `excused` leave, at any time. The others leave
    unless too many would within a minute: then they stay until they are released, or grace ends.
    """
    missing = served.targets.keys() - inventory.keys() - excused
    lost = {
        agent: at
        for agent, at in served.lost.items()
        if now - at < FALL_WITHIN and agent not in inventory and agent not in excused
    }
    before = len(served.targets.keys() - excused) + len(lost)
    if not _is_a_fall(len(missing) + len(lost), before):
        return Served(inventory, lost | dict.fromkeys(missing, now))
    hold = served.hold or Hold(now, now + grace)
    if not missing or now >= hold.until:
        return Served(inventory, {} if missing else lost)
    kept = {agent: served.targets[agent] for agent in missing}
    return Served({**inventory, **kept}, lost, hold, frozenset(missing))


def excused_of(left: Iterable[Left]) -> set[str]:
    """Those that left on purpose: a goodbye, or an operator's word for one agent.

    Retired many at one stroke, by a statement and not by an operator's requests, is no excuse.
    """
    left = list(left)
    strokes = Counter(each.retired_at for each in left if each.retired_at is not None)
    return {
        each.agent_id
        for each in left
        if each.stopped_at is not None
        or (each.retired_at is not None and strokes[each.retired_at] < FALL_LEAST)
    }


def _is_a_fall(fallen: int, before: int) -> bool:
    return fallen >= FALL_LEAST and fallen > FALL_SHARE * before
