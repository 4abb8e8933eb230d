"""The log of refused requests: which and why, never a value, and not more than a disk can bear."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextvars import Context
from itertools import islice

from starlette.exceptions import HTTPException

from pulseguard_registry.logs import answers, tell_answer
from pulseguard_registry.problems import TITLES

MOST_A_SECOND = 20
# Of one request's faults.
MOST_FAULTS = 5
_SECOND = 1.0


class Ration:
    """Lets so many through within any second, and counts what it does not."""

    def __init__(self, most: int) -> None:
        self._moments: deque[float] = deque(maxlen=most)
        self.left_out = 0

    def admits(self, now: float) -> bool:
        """Whether one more at this moment (monotonic, in seconds) is within it."""
        moments = self._moments
        if len(moments) == moments.maxlen and now - moments[0] < _SECOND:
            self.left_out += 1
            return False
        moments.append(now)
        return True

    def take_left_out(self) -> int:
        """How many it has not let through since it was asked last."""
        number, self.left_out = self.left_out, 0
        return number


class RefusalLog:
    """A line at INFO for each request that is answered 4xx, as far as there is room for them.

    Where the log is to have each request (DEBUG), there is room for all of them.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ration = Ration(MOST_A_SECOND)

    def tell(
        self, method: str, route: str, status: int, seconds: float, problem: HTTPException | None
    ) -> None:
        """Say that this request, which took so many seconds, was refused, and why."""
        if not answers.isEnabledFor(logging.INFO):
            return
        if answers.isEnabledFor(logging.DEBUG) or self._ration.admits(self._clock()):
            reason = reason_of(problem)
            tell_answer(logging.INFO, method, route, status, seconds, reason)
        elif self._ration.left_out == 1:
            # Not within the context of this request, whose id would stand behind the line.
            loop = asyncio.get_running_loop()
            loop.call_later(_SECOND, self.tell_left_out, context=Context())

    def tell_left_out(self) -> None:
        """Say how many were left out since this was said last, if any."""
        if number := self._ration.take_left_out():
            said = "%d more requests were refused; of more than %d a second there is no line each"
            answers.info(said, number, MOST_A_SECOND, extra={"fields": {"left_out": number}})


def reason_of(problem: HTTPException | None) -> str:
    """The kind of a problem, and the fields that it is about."""
    if problem is None:
        return ""
    kind = TITLES.get(problem.status_code, "The request was refused")
    faults = getattr(problem, "errors", [])
    named = [fault.logged for fault in islice(faults, MOST_FAULTS)]
    if (more := len(faults) - len(named)) > 0:
        named.append(f"and {more} more")
    return f"{kind}: {', '.join(named)}" if named else kind
