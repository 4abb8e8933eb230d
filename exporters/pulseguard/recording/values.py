"""Recorded values, checked: a counter never sees NaN, text or less than zero."""

import math
import operator
from typing import Final, TypeVar

from pulseguard.errors import RefusedValue

C = TypeVar("C", bound=str)

# The largest count that a Prometheus sample (a 64-bit float) holds exactly.
LARGEST: Final = 2**53
# Far from where sums of such numbers would leave the range of a 64-bit float.
LARGEST_NUMBER: Final = 1e100


def whole(what: str, value: object) -> int:
    """The value as a count from 0 on; RefusedValue for anything else, a float included."""
    if type(value) is int and 0 <= value <= LARGEST:
        return value
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise RefusedValue(what, value, "give a whole number")
    number = operator.index(value)
    if not 0 <= number <= LARGEST:
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


def number(what: str, value: object) -> float:
    """The value as a finite number; RefusedValue for anything else."""
    if isinstance(value, bool | str | bytes) or not hasattr(value, "__float__"):
        raise RefusedValue(what, value, "give a number")
    try:
        given = float(value)
    except OverflowError:
        given = math.inf
    if not -LARGEST_NUMBER <= given <= LARGEST_NUMBER:
        raise RefusedValue(what, given, "give a number from -1e100 to 1e100")
    return given


def amount(what: str, value: object) -> float:
    """The value as a finite number from 0 on; RefusedValue for anything else."""
    given = number(what, value)
    if given < 0:
        raise RefusedValue(what, given, "give a number from 0 on")
    return given


def bounded(value: object, choices: tuple[C, ...]) -> C:
    """The choice that the value is, else the last one, which stands for all others.

    Asks nothing of the value itself: that may be an object of any kind.
    """
    text = str.__str__(value) if issubclass(type(value), str) else None
    return next((choice for choice in choices if choice == text), choices[-1])
