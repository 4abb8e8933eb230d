"""When each output token leaves: log-normal time to the first, log-normal time between the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from itertools import accumulate
from random import Random

from pulseguard_stack.model_server.errors import BadSetting


@dataclass(frozen=True)
class Timing:
    """Medians in seconds and sigmas of the logarithm; a median of 0 means without any wait."""

    first_token_median_seconds: float = 0.35
    first_token_sigma: float = 0.35
    token_median_seconds: float = 0.012
    token_sigma: float = 0.4
    speed: float = 1.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not (value >= 0 and math.isfinite(value)):
                raise BadSetting(f"{field.name} is {value}: it must be a number, 0 or more")
        if self.speed == 0:
            raise BadSetting("speed is 0: it must be more than 0 (2 is twice as fast)")


def token_offsets(timing: Timing, tokens: int, luck: Random) -> list[float]:
    """Seconds from the arrival of a request to each of its output tokens, ascending.

    There is at least one offset, so that an answer without tokens has a time too.
    """
    first = _log_normal(timing.first_token_median_seconds, timing.first_token_sigma, luck)
    count = max(tokens - 1, 0)
    if not timing.token_median_seconds:
        return [first / timing.speed] * (count + 1)
    steps = [
        _log_normal(timing.token_median_seconds, timing.token_sigma, luck) for _ in range(count)
    ]
    return [offset / timing.speed for offset in accumulate(steps, initial=first)]


def _log_normal(median: float, sigma: float, luck: Random) -> float:
    return luck.lognormvariate(math.log(median), sigma) if median else 0.0
