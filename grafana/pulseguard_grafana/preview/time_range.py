"""Which time a panel shows, and the steps and windows that follow from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pulseguard_grafana.preview.errors import NotUnderstood

_LENGTHS: Final = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3_600.0,
    "d": 86_400.0,
    "w": 604_800.0,
    "y": 31_536_000.0,
}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwy])")
_SINCE: Final = re.compile(r"(?:now)?(?:-?(?P<ago>[\d.a-z]+))?(?:/(?P<whole>[hdwM]))?")
# The steps between points that Grafana draws with, each from the size in front of it on.
_STEPS: Final = (
    *((0, 1), (1.5, 2), (3.5, 5), (7.5, 10), (12.5, 15), (17.5, 20), (25, 30), (45, 60)),
    *((90, 120), (210, 300), (450, 600), (750, 900), (1_050, 1_200), (1_500, 1_800)),
    *((2_700, 3_600), (5_400, 7_200), (9_000, 10_800), (16_200, 21_600), (32_400, 43_200)),
    *((86_400, 86_400), (604_800, 604_800)),
)


@dataclass(frozen=True)
class TimeRange:
    """From when until when, as Unix times."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start


@dataclass(frozen=True)
class Pace:
    """How far apart the points of a query are, and how often agents are scraped, in seconds."""

    step: float
    scrape: float

    @property
    def rate_interval(self) -> float:
        """The window of `$__rate_interval`: at least four scrapes."""
        return max(4 * self.scrape, self.step + self.scrape)


def seconds_of(duration: str) -> float:
    """A duration such as `10s` or `1h30m`; NotUnderstood for anything else."""
    parts = _DURATION.findall(duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise NotUnderstood(f"{duration!r} is no duration such as 30s, 1h or 7d")
    return sum(float(number) * _LENGTHS[unit] for number, unit in parts)


def range_since(since: str, now: float) -> TimeRange:
    """Until now, since what Grafana calls `now-1h`, `1h` or `now/d`, the last local midnight."""
    found = _SINCE.fullmatch(since)
    if found is None or not since:
        raise NotUnderstood(f"{since!r} is no time such as now-1h or now/d")
    start = datetime.fromtimestamp(now - (seconds_of(found["ago"]) if found["ago"] else 0))
    return TimeRange(_begin(start, found["whole"]).timestamp(), now)


def pace(shown: TimeRange, points: int, scrape_seconds: float, closest: float) -> Pace:
    """The steps for so many points on a screen, never closer than this."""
    wanted = shown.seconds / points
    step = next(step for size, step in reversed(_STEPS) if wanted >= size)
    return Pace(max(float(step), closest), scrape_seconds)


def _begin(moment: datetime, whole: str | None) -> datetime:
    """The hour, day, week or month that a moment is in, where it is to be a whole one."""
    if whole is None:
        return moment
    hour = moment.replace(minute=0, second=0, microsecond=0)
    if whole == "h":
        return hour
    day = hour.replace(hour=0)
    if whole == "w":
        return day - timedelta(days=day.weekday())
    return day if whole == "d" else day.replace(day=1)
