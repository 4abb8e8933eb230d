"""What is bad, what is worth a look, and what comes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from pulseguard_stack.status.fleet import Fleet, Member

LOW_SUCCESS: Final = 0.9
POOR_SUCCESS: Final = 0.5
FULL_CONTEXT: Final = 0.8
OVERFULL_CONTEXT: Final = 0.95


class Level(IntEnum):
    """How an agent is, worst first."""

    BAD = 0
    DOUBTFUL = 1
    GOOD = 2
    STOPPED = 3


@dataclass(frozen=True)
class Judged:
    """An agent with what is wrong with it, in words."""

    member: Member
    level: Level
    troubles: Sequence[str]


def judge_fleet(fleet: Fleet) -> list[Judged]:
    """The agents, trouble first; equals by environment, name and instance."""
    return sorted((judge(member) for member in fleet.members), key=_rank)


def judge(member: Member) -> Judged:
    """The level of an agent: that of the worst thing known about it."""
    found = [*_by_status(member), *_by_scrape(member), *_by_alerts(member), *_by_numbers(member)]
    worst = min((level for level, _ in found), default=Level.GOOD)
    if (is_stopped(member) or is_retired(member)) and not found:
        return Judged(member, Level.STOPPED, [])
    return Judged(member, worst, [said for _, said in found])


def is_stopped(member: Member) -> bool:
    """Whether it said goodbye: then its silence is no trouble."""
    return member.reason == "stopped"


def is_retired(member: Member) -> bool:
    """Whether it was retired: then only that it runs on is one."""
    return member.reason == "retired"


def success_level(ratio: float | None) -> Level:
    """How well tasks go."""
    if ratio is None or ratio >= LOW_SUCCESS:
        return Level.GOOD
    return Level.DOUBTFUL if ratio >= POOR_SUCCESS else Level.BAD


def context_level(ratio: float | None) -> Level:
    """How full the context window is."""
    if ratio is None or ratio < FULL_CONTEXT:
        return Level.GOOD
    return Level.DOUBTFUL if ratio < OVERFULL_CONTEXT else Level.BAD


def _rank(judged: Judged) -> tuple[Level, str, str, str]:
    member = judged.member
    return judged.level, member.environment, member.name, member.instance


def _by_status(member: Member) -> list[tuple[Level, str]]:
    if is_retired(member):
        return [(Level.DOUBTFUL, "retired, runs on")] if member.scrape == "up" else []
    if member.status == "ERROR" or (member.status == "OFFLINE" and not is_stopped(member)):
        return [(Level.BAD, member.reason or member.status.lower())]
    if member.status == "UNKNOWN":
        return [(Level.DOUBTFUL, "never heard")]
    if member.is_registered is False:
        return [(Level.DOUBTFUL, "scraped, not registered")]
    return []


def _by_scrape(member: Member) -> list[tuple[Level, str]]:
    # Planned work explains it.
    is_explained = is_stopped(member) or is_retired(member) or member.status == "MAINTENANCE"
    if is_explained or member.scrape in (None, "up"):
        return []
    if member.scrape == "down":
        return [] if member.is_settling else [(Level.BAD, "scrape fails")]
    if member.registered and member.registered.metrics_address is None:
        return [(Level.DOUBTFUL, "registered without an address, not scraped")]
    has_time = member.is_new or member.is_settling
    return [] if has_time else [(Level.DOUBTFUL, "registered, not scraped")]


def _by_alerts(member: Member) -> list[tuple[Level, str]]:
    return [
        (Level.BAD if alert.severity == "critical" else Level.DOUBTFUL, alert.name)
        for alert in member.alerts
    ]


def _by_numbers(member: Member) -> list[tuple[Level, str]]:
    reading = member.reading
    if reading is None or is_stopped(member):
        return []
    found = (
        (success_level(reading.success_ratio), "tasks fail"),
        (context_level(reading.context_used_ratio), "context is full"),
    )
    return [(level, said) for level, said in found if level != Level.GOOD]
