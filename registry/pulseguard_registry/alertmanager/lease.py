"""What becomes of silences: each is held as a lease, decided here and nowhere else."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pulseguard import catalog

CREATED_BY: Final = "pulseguard"
# Gone by itself where the registry dies. Looked at every 10 s, it is extended about once a minute.
LEASE: Final = timedelta(minutes=3)
EXTENDED_BELOW: Final = timedelta(minutes=2)
# Two clocks are compared, of which one tells whole seconds.
_SLACK: Final = timedelta(seconds=2)
# A silence that is to begin in the past begins at once, by Alertmanager's own clock. To be extended
# in its place it has to be told that start again, to the second: else Alertmanager ends it and
# makes another, and keeps what it ended for days.
_BEFORE: Final = timedelta(seconds=2)
# One that ended before it is there would be refused.
_LEAST: Final = timedelta(seconds=1)

Json = Mapping[str, Any]  # Any: JSON


@dataclass(frozen=True)
class Work:
    """An agent under maintenance: for how long still, and what to say of it."""

    agent_id: uuid.UUID
    remaining: timedelta
    comment: str


@dataclass(frozen=True)
class Silence:
    """A silence of ours that is not over."""

    id: str
    agent_id: uuid.UUID
    starts_at: datetime
    ends_at: datetime
    comment: str

    @classmethod
    def of(cls, told: Json) -> Silence | None:
        """The silence, where it is ours: by who made it and by its one matcher.

        Whatever is told: what has another shape is none of ours.
        """
        try:
            (matcher,) = told["matchers"]
            is_over = told["status"]["state"] == "expired"
            # Alertmanager before 0.22 does not say isEqual.
            is_plain = not matcher["isRegex"] and matcher.get("isEqual", True)
            is_of_agent = matcher["name"] == catalog.LABEL_AGENT_ID
            if told["createdBy"] != CREATED_BY or is_over or not (is_plain and is_of_agent):
                return None
            return cls(
                id=str(told["id"]),
                agent_id=uuid.UUID(matcher["value"]),
                starts_at=_moment(told["startsAt"]),
                ends_at=_moment(told["endsAt"]),
                comment=str(told.get("comment", "")),
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            return None


@dataclass(frozen=True)
class Lease:
    """A silence to be made, or the one of this id to be changed."""

    work: Work
    held: Silence | None
    length: timedelta

    def told(self, now: datetime) -> Json:
        """What Alertmanager is sent; `now` by its clock."""
        starts_at = self.held.starts_at if self.held is not None else now - _BEFORE
        known = {"id": self.held.id} if self.held is not None else {}
        matcher = {
            "name": catalog.LABEL_AGENT_ID,
            "value": str(self.work.agent_id),
            "isRegex": False,
            "isEqual": True,
        }
        return known | {
            "matchers": [matcher],
            "startsAt": _written(starts_at),
            "endsAt": _written(now + max(self.length, _LEAST)),
            "createdBy": CREATED_BY,
            "comment": self.work.comment,
        }


@dataclass(frozen=True)
class Plan:
    """What is to be done: leases to be made or extended, ids of silences to be ended; `kept` are
    agents that are silenced for so long as it is."""

    leases: list[Lease] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    kept: dict[uuid.UUID, timedelta] = field(default_factory=dict)


def decide(
    works: Iterable[Work],
    held: Sequence[Silence],
    known: Collection[uuid.UUID],
    now: datetime,
) -> Plan:
    """One silence for each agent under maintenance, and none for other agents that are `known`.

    Those of strangers are another registry's: it ends them, or they end by themselves.
    """
    by_agent: dict[uuid.UUID, list[Silence]] = defaultdict(list)
    for silence in held:
        by_agent[silence.agent_id].append(silence)
    plan = Plan()
    for work in works:
        # The one that lasts longest is kept.
        ours = sorted(by_agent.pop(work.agent_id, ()), key=lambda each: (each.ends_at, each.id))
        plan.over.extend(each.id for each in ours[:-1])
        one = ours[-1] if ours else None
        if one is None or _is_due(one, work, now):
            plan.leases.append(Lease(work, one, min(work.remaining, LEASE)))
        else:
            plan.kept[work.agent_id] = min(one.ends_at - now, work.remaining)
    plan.over.extend(
        each.id for agent_id, ours in by_agent.items() if agent_id in known for each in ours
    )
    return plan


def _is_due(silence: Silence, work: Work, now: datetime) -> bool:
    left = silence.ends_at - now
    is_short = left < min(work.remaining - _SLACK, EXTENDED_BELOW)
    is_long = left > work.remaining + _SLACK
    return is_short or is_long or silence.comment != work.comment


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _moment(told: str) -> datetime:
    moment = datetime.fromisoformat(told)
    if moment.tzinfo is None:
        raise ValueError(told)
    return moment
