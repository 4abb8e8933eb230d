"""How long an end may take: deadlines that everything on the way out keeps."""

import time
from typing import Final, NamedTuple

_RESERVE_SHARE: Final = 0.1
_LONGEST_RESERVE_SECONDS: Final = 0.2


class Ending(NamedTuple):
    """The deadlines (monotonic) of one end, before the time that it may take is over.

    What is left after them is for what waits for nobody: last numbers, files, the interpreter.
    """

    # For others: the registry, a last scrape, threads that speak with them.
    waits_until: float
    # For threads that only have to close what is theirs.
    closes_until: float

    def within(self, seconds: float) -> "Ending":
        """A part of it, which takes no longer than this."""
        over_at = time.monotonic() + seconds
        return Ending(min(self.waits_until, over_at), min(self.closes_until, over_at))


def begin_ending(timeout_seconds: float) -> Ending:
    """An end that begins now, and is over within this time."""
    reserve = min(timeout_seconds * _RESERVE_SHARE, _LONGEST_RESERVE_SECONDS)
    over_at = time.monotonic() + timeout_seconds
    return Ending(over_at - reserve, over_at - reserve / 2)


def seconds_until(deadline: float) -> float:
    """What is left, at least nothing."""
    return max(deadline - time.monotonic(), 0.0)
