"""Measured values as people read them: rounded, with their units, under their names."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pulseguard_registry.operating.terminal import ago

_SIGNIFICANT_DIGITS: Final = 3
# Below it a number is written with its exponent.
_SMALLEST: Final = 1e-6
_UNITS: Final = {"_ms": "ms", "_seconds": "s"}


def rounded(value: float) -> str:
    """A whole number as it is, else three significant digits, and all that are before the point."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")
    if value == int(value):
        return str(int(value))
    if abs(value) < _SMALLEST:
        return f"{value:.{_SIGNIFICANT_DIGITS}g}"
    decimals = _SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(abs(value)))
    return f"{value:.{max(0, decimals)}f}"


# Any: a snapshot of the API's.
def told_snapshot(snapshot: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each value that is known, under its name; what is unknown is left out."""
    for name, value in snapshot.items():
        if isinstance(value, Mapping):
            if value:
                yield _named(name), ", ".join(f"{rounded(n)} {_named(k)}" for k, n in value.items())
        elif isinstance(value, str):
            yield _named(name.removesuffix("_at")), f"{ago(value)} ({value})"
        elif value is not None:
            unit = next((each for each in _UNITS if name.endswith(each)), "")
            yield (
                _named(name.removesuffix(unit)),
                f"{rounded(value)} {_UNITS.get(unit, '')}".rstrip(),
            )


def _named(name: str) -> str:
    return name.replace("_", " ")
