"""Numbers, ages and names as a narrow cell can show them; unknown is a dash, never 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

UNKNOWN: Final = "\N{EN DASH}"

_BARS: Final = "▁▂▃▄▅▆▇█"
_SIZES: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def number(value: float | None) -> str:
    """Three digits or so: 0.25, 12.3, 450, 12.3k."""
    if value is None:
        return UNKNOWN
    for size, letter in _SIZES:
        # What would round up to the next size is shown in the next size.
        if abs(value) >= size * 0.9995:
            return f"{_three(value / size)}{letter}"
    return _three(value)


def seconds(value: float | None) -> str:
    """A duration of less than a day or so: 320ms, 1.50s, 75s."""
    if value is None:
        return UNKNOWN
    if value < 0.9995:
        return f"{value * 1000:.0f}ms"
    return f"{_three(value)}s"


def age(value: float | None) -> str:
    """How long ago: 5s, 3m, 7h, 2d."""
    if value is None:
        return UNKNOWN
    passed = max(value, 0)
    for size, letter in ((86400, "d"), (3600, "h"), (60, "m")):
        if passed >= size:
            return f"{passed // size:.0f}{letter}"
    return f"{passed:.0f}s"


def share(value: float | None) -> str:
    """A ratio as a percentage; 100% only where nothing is missing."""
    if value is None:
        return UNKNOWN
    return f"{int(value * 100 + 1e-9)}%" if value < 1 else f"{value * 100:.0f}%"


def dollars(value: float | None) -> str:
    """US dollars: 0, 0.004, 1.25, 310."""
    if value is None:
        return UNKNOWN
    if 0 < value < 0.0005:
        return "<.001"
    return f"{value:.3f}" if 0 < value < 0.1 else number(value)


def sparkline(values: Sequence[float | None], width: int) -> str:
    """The newest `width` values as bars from 0 to the highest; a space where nothing is known."""
    shown = values[-width:]
    highest = max((value for value in shown if value is not None), default=0)
    return "".join(_bar(value, highest) for value in shown)


def elided(text: str, width: int) -> str:
    """The text, its middle left out where it is too long: both ends tell names apart."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return f"{text[: width - 1 - tail]}…{text[len(text) - tail :]}"


def _three(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) < 9.995:
        return f"{value:.2f}"
    return f"{value:.1f}" if abs(value) < 99.95 else f"{value:.0f}"


def _bar(value: float | None, highest: float) -> str:
    if value is None:
        return " "
    if highest <= 0:
        return _BARS[0]
    return _BARS[min(int(value / highest * len(_BARS)), len(_BARS) - 1)]
