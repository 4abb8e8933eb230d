"""Steps of time: read from text, and laid over a range of which they are whole parts."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pulseguard_registry.durations import PATTERN, read_duration

_PLAIN = re.compile("[0-9]{1,9}")
STEP_PATTERN = f"^{_PLAIN.pattern}$|{PATTERN}"
MOST_SECONDS = 366 * 86_400
# As many as Prometheus gives for one series.
MOST_POINTS = 11_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Steps:
    """From `start`, included, to `end`, excluded: both a whole number of steps after 1970."""

    start: datetime
    end: datetime
    seconds: int

    @property
    def count(self) -> int:
        """How many there are."""
        return round((self.end - self.start).total_seconds()) // self.seconds


def read_step(given: object) -> int:
    """Seconds, of `300`, `5m` or `1h30m`; ValueError where it is neither, 0, or beyond a year."""
    text = str(given)
    seconds = int(text) if _PLAIN.fullmatch(text) else _whole_seconds(text)
    if seconds is None:
        raise ValueError("is no step; give whole seconds, or such as 90s, 5m, 1h30m, 1d")
    if not 1 <= seconds <= MOST_SECONDS:
        raise ValueError("is no step from 1s to 366d; give one that is")
    return seconds


def _whole_seconds(text: str) -> int | None:
    try:
        duration = read_duration(text)
    except OverflowError:
        return MOST_SECONDS + 1
    second = timedelta(seconds=1)
    return None if duration is None or duration % second else duration // second


def lay_steps(start: datetime, end: datetime, seconds: int) -> Steps:
    """The whole steps that hold a range: its start is taken down, its end up."""
    step = timedelta(seconds=seconds)
    first, last = (start - _EPOCH) // step, -((_EPOCH - end) // step)
    return Steps(_EPOCH + first * step, _EPOCH + last * step, seconds)


def smallest_step(start: datetime, end: datetime) -> int:
    """The fewest seconds with which a range has no more than the most points."""
    seconds = max(1, math.ceil((end - start).total_seconds() / MOST_POINTS))
    # Where the range begins and ends within a step, there is one point more.
    while lay_steps(start, end, seconds).count > MOST_POINTS:
        seconds += 1
    return seconds
