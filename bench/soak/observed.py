"""What a run has seen, and what of it is wrong."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.soak.agents import ENVIRONMENT
from bench.soak.asking import Answers
from bench.soak.judge import FEWEST_POINTS, HOUR, LIMITS, MEGABYTE, Course, Points, judge
from bench.soak.requests import OF_OTHERS
from bench.soak.sampling import Key

LIMIT_SECONDS = 0.1
# Prometheus keeps what is young in memory until its first block is cut.
BLOCK_HOURS = 4.0
# Each of PostgreSQL's connections keeps tables open and known that it has met.
SETTLED_HOURS = 0.5
# The environments of alerts that are to be told of: none is the stack itself.
OF_THIS_RUN = ("", ENVIRONMENT)
# Within minutes a few connections more are no slope.
MINUTES_HOURS = 0.15
SCRAPED = 0.99


@dataclass(frozen=True)
class Observed:
    """Of one deployment under one load."""

    agents: int
    samples: int
    seconds: float
    series: Mapping[Key, Points]
    answers: Mapping[str, Answers]
    # Requests that were not served, and looks that failed.
    failures: Sequence[str] = ()
    troubles: Sequence[str] = ()
    restarted: Sequence[str] = ()
    # Of the simulated agents, in their own words.
    ledger: Mapping[str, Any] = field(default_factory=dict)
    lost: int = 0
    times_offline: int = 0
    scraped: float = 1.0
    # The alerts that fired, by name and environment, and in how many evaluations.
    fired: Mapping[tuple[str, str], int] = field(default_factory=dict)
    # Bytes by table, and rows of snapshots.
    tables: Mapping[str, int] = field(default_factory=dict)
    snapshots: int = 0

    def courses(self) -> Mapping[Key, Course]:
        """How each series went, as far as there is enough of it."""
        return {
            key: judge(points, LIMITS[key.quantity])
            for key, points in self.series.items()
            if len(points) >= FEWEST_POINTS
        }

    def is_by_design(self, key: Key) -> bool:
        """Whether it may grow for as long as this run was."""
        hours = self.seconds / HOUR
        if hours < MINUTES_HOURS and key.quantity in ("descriptors", "threads", "connections"):
            return True
        if key.subject == "postgres":
            return hours < SETTLED_HOURS and key.quantity in ("memory", "descriptors")
        return hours < BLOCK_HOURS and key == Key("prometheus", "memory")

    def p99_by_minute(self) -> Points:
        """Of all that was asked in a minute, in seconds."""
        minutes: dict[int, list[float]] = defaultdict(list)
        for operation, answers in self.answers.items():
            if operation not in OF_OTHERS:
                for at, seconds in zip(answers.at, answers.seconds, strict=True):
                    minutes[int(at // 60)].append(seconds)
        return [(60.0 * minute, p99(seconds)) for minute, seconds in sorted(minutes.items())]

    def p99_course(self) -> Course | None:
        """How that went, where there are minutes enough."""
        points = self.p99_by_minute()
        return judge(points, LIMITS["p99"]) if len(points) >= FEWEST_POINTS else None

    def slow(self) -> Mapping[str, float]:
        """The operations of which the p99 is over what is promised."""
        found = {name: p99(answers.seconds) for name, answers in self.answers.items()}
        return {
            name: seconds
            for name, seconds in found.items()
            if seconds > LIMIT_SECONDS and name not in OF_OTHERS
        }

    def false_alerts(self) -> Mapping[tuple[str, str], int]:
        """Those about the simulated agents and about the stack itself: nothing was wrong there.

        Of the demo some calls fail, on purpose; others that were there before are nobody's concern.
        """
        return {fired: count for fired, count in self.fired.items() if fired[1] in OF_THIS_RUN}

    def faults(self) -> Iterator[str]:
        """All that should not have been, as sentences."""
        for key, course in self.courses().items():
            if course.grows and not self.is_by_design(key):
                yield f"{key.subject}: {key.quantity} grows, by {told(key.quantity, course)}"
        drift = self.p99_course()
        if drift and drift.grows:
            yield f"the p99 of all requests grows, by {drift.an_hour * 1e3:.1f} ms an hour"
        for name, seconds in self.slow().items():
            yield f"{name}: p99 {seconds * 1e3:.0f} ms, over {LIMIT_SECONDS * 1e3:.0f} ms"
        beats = self.ledger.get("p99", 0.0)
        if beats > LIMIT_SECONDS:
            yield f"heartbeats of the simulated agents: p99 {beats * 1e3:.0f} ms, over 100 ms"
        for service in self.restarted:
            yield f"{service} was started again"
        if self.failures:
            yield f"{len(self.failures)} requests were not served, first {self.failures[0]}"
        if self.ledger.get("ended"):
            yield f"{len(self.ledger['ended'])} simulated agents have ended: the load is at fault"
        if self.lost:
            yield f"{self.lost} snapshots were acknowledged and are not stored"
        if self.times_offline:
            yield f"agents that beat were called offline {self.times_offline} times"
        if self.scraped < SCRAPED:
            yield f"{1 - self.scraped:.1%} of the scrapes of simulated agents failed"
        for name, environment in self.false_alerts():
            yield f"{name} fired{f' in {environment}' if environment else ''}"


def told(quantity: str, course: Course) -> str:
    """A slope in words."""
    if quantity == "memory":
        hour, day = (f"{value / MEGABYTE:.1f} MB" for value in (course.an_hour, course.in_a_day))
    else:
        hour, day = (f"{value:.1f}" for value in (course.an_hour, course.in_a_day))
    return f"{hour} an hour, {day} in 24 h"


def p99(seconds: Sequence[float]) -> float:
    """What 99 of 100 answers did not take longer than."""
    return sorted(seconds)[math.ceil(0.99 * len(seconds)) - 1]
