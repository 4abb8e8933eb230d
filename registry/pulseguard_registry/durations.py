"""Durations as Prometheus writes them: 45m, 1h30m, 1d."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

_UNITS: Final = {
    "y": timedelta(days=365),
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
UNITS: Final = ", ".join(_UNITS)
# It matches nothing at all as well, which is no duration.
PATTERN: Final = "^" + "".join(rf"(?:([0-9]+){unit})?" for unit in _UNITS) + "$"
_DURATION: Final = re.compile(PATTERN)


def read_duration(text: str) -> timedelta | None:
    """The time that whole numbers with units make, the largest unit first and each at most once.

    None where it is none of those; OverflowError where it is longer than there is time.
    """
    found = _DURATION.fullmatch(text)
    if found is None or not text:
        return None
    # Python reads no number of thousands of digits.
    if len(text) > 100:
        raise OverflowError
    numbers = (int(number or 0) for number in found.groups())
    parts = zip(numbers, _UNITS.values(), strict=True)
    return sum((number * unit for number, unit in parts), timedelta())
