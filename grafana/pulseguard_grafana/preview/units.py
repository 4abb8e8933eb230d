"""Numbers as Grafana writes them: by the names that its units have in dashboards."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

# Each unit up to the size at which the next one begins, in its own base.
_SECONDS: Final = (
    (1e-6, 1e-9, " ns"),
    (1e-3, 1e-6, " µs"),
    (1, 1e-3, " ms"),
    (60, 1, " s"),
    (3_600, 60, " mins"),
    (86_400, 3_600, " hours"),
    (604_800, 86_400, " days"),
    (31_536_000, 604_800, " weeks"),
    (math.inf, 31_536_000, " years"),
)
# What is under a millisecond stays one, where milliseconds are the unit.
_OF_MILLISECONDS: Final = ((1, 1e-3, " ms"), *_SECONDS[3:])
_LARGE: Final = ("", " K", " Mil", " Bil", " Tri")
_COUNTED: Final = ("", "K", "M", "B", "T")
_BINARY: Final = (" B", " KiB", " MiB", " GiB", " TiB", " PiB")
_DECIMAL: Final = (" B", " kB", " MB", " GB", " TB", " PB")
_AGO: Final = (
    (31_536_000, "year"),
    (2_592_000, "month"),
    (86_400, "day"),
    (3_600, "hour"),
    (60, "minute"),
)
_SIGNIFICANT_DIGITS: Final = 3

Written = Callable[[float, int | None], str]


def written(value: float, unit: str, decimals: int | None = None) -> str:
    """The number in a unit, with so many decimals, else with three significant digits.

    Of money, what Grafana rounds to nothing is less than its last digit. A unit that nobody knows
    is written behind the number, as Grafana does.
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")
    kind, parted, named = unit.partition(":")
    if parted and kind in _NAMED:
        return _NAMED[kind](named)(value, decimals)
    return _UNITS.get(unit, _suffixed(f" {unit}"))(value, decimals)


def _fixed(value: float, decimals: int | None) -> str:
    if decimals is None:
        decimals = _decimals_of(value)
    return f"{value:.{decimals}f}"


def _decimals_of(value: float) -> int:
    if value == int(value):
        return 0
    return max(0, _SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(abs(value))))


def _suffixed(suffix: str) -> Written:
    return lambda value, decimals: f"{_fixed(value, decimals)}{suffix}"


def _prefixed(prefix: str) -> Written:
    return lambda value, decimals: f"{prefix}{_fixed(value, decimals)}"


def _scaled(factor: int, suffixes: Sequence[str], *, before: str = "", after: str = "") -> Written:
    """Divided by the factor as often as there are suffixes for it."""

    def write(value: float, decimals: int | None) -> str:
        times = 0
        while abs(value) >= factor and times < len(suffixes) - 1:
            value, times = value / factor, times + 1
        return f"{before}{_fixed(value, decimals)}{suffixes[times]}{after}"

    return write


def _spent(value: float, decimals: int | None) -> str:
    """In USD; less than the last digit is no zero, as something was spent."""
    text = _scaled(1000, _COUNTED, before="$")(value, decimals)
    if decimals is None or not value or any(digit in text for digit in "123456789"):
        return text
    return f"{'<$' if value > 0 else '>-$'}{10**-decimals:.{decimals}f}"


def _counted(what: str) -> Written:
    return _scaled(1000, _COUNTED, after=f" {what}")


def _lasting(sizes: Sequence[tuple[float, float, str]], seconds: float) -> Written:
    """A time, of which 1 is so many seconds, in the unit that fits its size."""

    def write(value: float, decimals: int | None) -> str:
        size = value * seconds
        if not size:
            return f"0{' ms' if seconds < 1 else ' s'}"
        ends = ((each, suffix) for end, each, suffix in sizes if abs(size) < end)
        each, suffix = next(ends)
        return f"{_fixed(size / each, decimals)}{suffix}"

    return write


def _share(value: float, decimals: int | None) -> str:
    return f"{_fixed(100 * value, decimals)}%"


def _from_now(value: float, decimals: int | None) -> str:
    """A moment in milliseconds, as how long ago it was or how soon it will be."""
    past = time.time() - value / 1000
    said = _about(abs(past))
    return f"{said} ago" if past >= 0 else f"in {said}"


def _about(seconds: float) -> str:
    for length, name in _AGO:
        if seconds >= length:
            count = round(seconds / length)
            return f"{count} {name}{'s' if count > 1 else ''}"
    return f"{seconds:.0f} seconds"


def _moment(value: float, decimals: int | None) -> str:
    return datetime.fromtimestamp(value / 1000).strftime("%Y-%m-%d %H:%M:%S")


_NAMED: Final[dict[str, Callable[[str], Written]]] = {
    "suffix": _suffixed,
    "prefix": _prefixed,
    "count": _counted,
}
_UNITS: Final[dict[str, Written]] = {
    "": _fixed,
    "none": _fixed,
    "short": _scaled(1000, _LARGE),
    "s": _lasting(_SECONDS, 1),
    "ms": _lasting(_OF_MILLISECONDS, 1e-3),
    "percent": _suffixed("%"),
    "percentunit": _share,
    "currencyUSD": _spent,
    "bytes": _scaled(1024, _BINARY),
    "decbytes": _scaled(1000, _DECIMAL),
    "ops": _counted("ops/s"),
    "reqps": _counted("req/s"),
    "dateTimeFromNow": _from_now,
    "dateTimeAsIso": _moment,
}
