"""Two pieces of code measured in turn, many rounds: what is told is the ratio, not the time."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ROUNDS = 25


@dataclass(frozen=True)
class Comparison:
    """What one piece of code costs beside another; `limit` is what is promised of the ratio."""

    name: str
    unit: str
    ours: Sequence[float]
    floor: Sequence[float]
    floor_name: str
    limit: float | None = None

    @property
    def ratios(self) -> Sequence[float]:
        """Round by round, smallest first: the machine's speed drifts, both had the same."""
        pairs = zip(self.ours, self.floor, strict=True)
        return sorted(ours / floor for ours, floor in pairs)

    @property
    def ratio(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """Between which ratios the middle half of the rounds lies."""
        quarter = len(self.ratios) // 4
        return self.ratios[quarter], self.ratios[-1 - quarter]

    @property
    def holds(self) -> bool:
        """Whether the promise is kept; true where nothing is promised."""
        return self.limit is None or self.ratio <= self.limit


@dataclass(frozen=True)
class Amount:
    """What something costs by itself; `limit` is what is promised of the median."""

    name: str
    unit: str
    values: Sequence[float]
    limit: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def holds(self) -> bool:
        """Whether the promise is kept; true where nothing is promised."""
        return self.limit is None or self.median <= self.limit


Result = Comparison | Amount


def in_turn(
    ours: Callable[[], object], floor: Callable[[], object], times: int, rounds: int = ROUNDS
) -> tuple[list[float], list[float]]:
    """Seconds of CPU per call of each, round by round, after one round that does not count."""
    seconds_of(ours, times), seconds_of(floor, times)
    pairs = [(seconds_of(ours, times), seconds_of(floor, times)) for _ in range(rounds)]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def seconds_of(work: Callable[[], object], times: int) -> float:
    """CPU seconds of this thread per call."""
    began = time.thread_time()
    for _ in range(times):
        work()
    return (time.thread_time() - began) / times


def scaled(values: Sequence[float], factor: float) -> list[float]:
    """The same in another unit."""
    return [value * factor for value in values]
