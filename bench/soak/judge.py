"""Whether a series of measurements grows: a slope that noise does not move."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf
from typing import Final

# Seconds on any clock, and a value.
Points = list[tuple[float, float]]

HOUR: Final = 3600.0
MEGABYTE: Final = 1e6
# Left out at the beginning: caches, pools and heaps take what they need.
WARM_UP: Final = 0.25
# Fewer say nothing of a slope; more say no more, and the pairs are many.
FEWEST_POINTS, MOST_POINTS = 8, 300
# A rise within this many times the usual distance from the line may be chance.
NOISE: Final = 3.0


@dataclass(frozen=True)
class Limit:
    """What counts as growth: more an hour than this, and that much in all at least."""

    an_hour: float
    in_all: float


LIMITS: Final[Mapping[str, Limit]] = {
    "memory": Limit(4 * MEGABYTE, 4 * MEGABYTE),
    "descriptors": Limit(4, 3),
    "threads": Limit(2, 2),
    "connections": Limit(4, 3),
    "waiting": Limit(2, 2),
    "p99": Limit(0.01, 0.01),
    # It grows by design until what is old is dropped.
    "disk": Limit(inf, inf),
    "log": Limit(inf, inf),
    "load": Limit(inf, inf),
}


@dataclass(frozen=True)
class Course:
    """How a series went once it was warm: its level at first and at last, and its slope."""

    first: float
    last: float
    an_hour: float
    grows: bool

    @property
    def in_a_day(self) -> float:
        """What the slope comes to in 24 hours."""
        return 24 * self.an_hour


def judge(points: Points, limit: Limit) -> Course:
    """A leak shows in the whole and in the later half; what still settles, in the first alone."""
    if len(points) < FEWEST_POINTS:
        raise ValueError(f"{len(points)} measurements say nothing of a slope: measure for longer")
    warm = thinned([each for each in points if each[0] >= _warm_from(points)])
    slope, later = slope_of(warm), slope_of(warm[len(warm) // 2 :])
    span = warm[-1][0] - warm[0][0]
    grows = (
        min(slope, later) * HOUR > limit.an_hour
        and slope * span > limit.in_all
        and slope * span > NOISE * _noise(warm, slope)
    )
    tenth = max(len(warm) // 10, 1)
    first, last = (
        statistics.median(value for _, value in some) for some in (warm[:tenth], warm[-tenth:])
    )
    return Course(first, last, slope * HOUR, grows)


def slope_of(points: Points) -> float:
    """The median of the slopes between all pairs (Theil and Sen): a third may be off, it holds."""
    return statistics.median(
        (value - before) / (at - earlier)
        for (earlier, before), (at, value) in combinations(points, 2)
    )


def thinned(points: Points) -> Points:
    """At most so many, each the median of its neighbours."""
    size = -(-len(points) // MOST_POINTS)
    groups = [points[start : start + size] for start in range(0, len(points), size or 1)]
    return [(_middle([at for at, _ in some]), _middle([v for _, v in some])) for some in groups]


def _middle(values: Sequence[float]) -> float:
    return statistics.median(values)


def _warm_from(points: Points) -> float:
    return points[0][0] + WARM_UP * (points[-1][0] - points[0][0])


def _noise(points: Points, slope: float) -> float:
    """The usual distance from the line."""
    rest = [value - slope * at for at, value in points]
    middle = statistics.median(rest)
    return statistics.median(abs(each - middle) for each in rest)
