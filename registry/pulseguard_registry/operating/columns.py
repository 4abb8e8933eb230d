"""Which columns of a table a terminal has room for, and how wide each is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size

GAP: Final = 2
# What of a long text is shown before a column that tells less gets anything.
FAIR: Final = 24
# Of a text that has no room beside the ids.
_LEAST: Final = 8
_CUT: Final = "…"


def fit(wanted: Sequence[int], telling: Sequence[int], ids: frozenset[int], room: int) -> list[int]:
    """The width of each column in so many cells of a line, 0 for one that is not shown.

    Columns are taken in the order in which they tell something (`telling`, indices), each where it
    fits; the first two always. Ids have their whole width or none; of what is left over, a longer
    text gets more.
    """
    given = [0] * len(wanted)
    left = room + GAP
    for place, index in enumerate(telling):
        needs = wanted[index] if index in ids else min(wanted[index], FAIR)
        if place < 2 and index not in ids:
            needs = min(needs, max(left - GAP, _LEAST))
        if place < 2 or needs + GAP <= left:
            given[index] = needs
            left -= needs + GAP
    for index in telling:
        if given[index]:
            more = max(min(wanted[index] - given[index], left), 0)
            given[index] += more
            left -= more
    return given


def elided(text: str, width: int) -> str:
    """The text in so many cells, its middle left out where it is longer: both ends tell names
    apart."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    tail = text[len(text) - (width - 1) // 2 :]
    while cell_len(tail) > (width - 1) // 2:
        tail = tail[1:]
    return set_cell_size(text, width - 1 - cell_len(tail)) + _CUT + tail
