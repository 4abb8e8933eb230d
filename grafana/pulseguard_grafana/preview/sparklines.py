"""Values over time as a line of block characters."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from rich.text import Text

from pulseguard_grafana.preview.content import GAP
from pulseguard_grafana.preview.time_range import TimeRange

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_NARROWEST: Final = 8
_WIDEST: Final = 40


def width_for(
    series: Sequence[Mapping[float, float]],
    names: Iterable[Text],
    *others: Iterable[Text],
    room: int,
) -> int:
    """How many cells hold these values without gaps that are none.

    On a terminal with this room in columns, what stands beside the cells comes first: the others
    whole, and of names as much as they need, up to half of the room.
    """
    named = min(_widest(names), room // 2)
    beside = sum(GAP + _widest(texts) for texts in others)
    left = room - named - GAP - beside
    fitting = min(max(left, _NARROWEST), _WIDEST)
    return max(1, min(fitting, len({at for values in series for at in values})))


def _widest(texts: Iterable[Text]) -> int:
    return max((text.cell_len for text in texts), default=0)


def cells(values: Mapping[float, float], shown: TimeRange, width: int) -> list[float | None]:
    """The latest value in each equal part of the time; None in a part without one."""
    parts: list[float | None] = [None] * width
    for at, value in sorted(values.items()):
        if not math.isnan(value):
            part = int((at - shown.start) / shown.seconds * width)
            parts[min(max(part, 0), width - 1)] = value
    return parts


def sparkline(values: Sequence[float | None]) -> str:
    """A block for each value, from 0 to the largest of them; a space where there is none."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    top = max(known, default=0.0)
    bottom = min(0.0, *known) if known else 0.0
    return "".join(_block(value, bottom, top) for value in values)


def _block(value: float | None, bottom: float, top: float) -> str:
    if value is None:
        return " "
    if not math.isfinite(value):
        return _BLOCKS[-1] if value > 0 else _BLOCKS[0]
    share = (value - bottom) / (top - bottom) if top > bottom else 0.0
    return _BLOCKS[round(share * (len(_BLOCKS) - 1))]
