"""Recorded values, checked: a counter never sees NaN, text or less than zero."""

import math
import operator
from typing import Final

from pulseguard.errors import RefusedValue

# The largest count that a Prometheus sample (a 64-bit float) holds exactly.
_LARGEST: Final = 2**53


def whole(what: str, value: object) -> int:
    """The value as a count from 0 on; RefusedValue for anything else, a float included."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise RefusedValue(what, value, "give a whole number")
    number = operator.index(value)
    if not 0 <= number <= _LARGEST:
        raise RefusedValue(what, value, "give a number from 0 to 2**53")
    return number


def share(what: str, value: object) -> float:
    """The value as a ratio from 0 to 1; RefusedValue for anything else."""
    if isinstance(value, bool | str | bytes) or not hasattr(value, "__float__"):
        raise RefusedValue(what, value, "give a number from 0 to 1")
    number = float(value)
    if math.isnan(number) or not 0 <= number <= 1:
        raise RefusedValue(what, value, "give a number from 0 to 1")
    return number
