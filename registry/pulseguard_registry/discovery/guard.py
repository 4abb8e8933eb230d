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


class Loss(NamedTuple):
    """A target that left within the last minute, and that nobody took away on purpose.

    None where it left under a version that did not keep it: it counts, and cannot come back.
    """

    left_at: datetime
    target: Target | None


@dataclass(frozen=True)
class Served:
    """What is served: targets by the id of their agent, those held back among them.

    And what was `lost`, until it is held back too or a minute has passed.
    """

    targets: Mapping[str, Target] = field(default_factory=dict)
    lost: Mapping[str, Loss] = field(default_factory=dict)
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
    unless too many would within a minute: then they stay, and those of them that have left before
    come back, until all are in the inventory again, were released, or grace ends.
    """
    missing = served.targets.keys() - inventory.keys() - excused
    lost = {
        agent: loss
        for agent, loss in served.lost.items()
        if now - loss.left_at < FALL_WITHIN and agent not in inventory and agent not in excused
    }
    before = len(served.targets.keys() - excused) + len(lost)
    leaving = {agent: served.targets[agent] for agent in missing}
    if served.hold is None and not _is_a_fall(len(missing) + len(lost), before):
        return Served(inventory, lost | {agent: Loss(now, leaving[agent]) for agent in leaving})
    held = {agent: loss.target for agent, loss in lost.items() if loss.target} | leaving
    hold = served.hold or Hold(now, now + grace)
    if not held or now >= hold.until:
        return Served(inventory)
    return Served({**inventory, **held}, {}, hold, frozenset(held))


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
