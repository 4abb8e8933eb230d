"""What a panel shows, whatever its type: as text for a terminal, and as JSON for programs."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pulseguard_grafana.preview.colours import style_of
from pulseguard_grafana.preview.fields import Shown

# Control characters, marks that turn the direction of a line, and what ends one.
_ORDERS: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")

# Between two columns.
GAP: Final = 2
# Left of all that a panel shows.
INDENT: Final = 2


class Content(Protocol):
    """The evaluated queries of one panel."""

    @property
    def has_data(self) -> bool:
        """Whether there is a value at all, and one that is a number."""

    def drawn(self, most: int, room: int) -> Iterator[RenderableType]:
        """What a terminal of so many columns shows, with at most so many rows or series."""

    # Any: JSON.
    def document(self) -> dict[str, Any]:
        """The values as JSON; what is no finite number is a string, as in Prometheus' answers."""


def plain(text: str) -> str:
    """A text of anybody's as one line, without what a terminal would obey rather than show."""
    return "".join("\ufffd" if unicodedata.category(each) in _ORDERS else each for each in text)


def coloured(shown: Shown) -> Text:
    """A value in its colour; Text, not markup: a name in brackets is a name."""
    return Text(plain(shown.text), style=style_of(shown.colour))


def grid(rows: Iterable[Iterable[Text]]) -> Table:
    """Columns side by side; where a terminal has no room for all, the first wraps."""
    table = Table.grid(padding=(0, GAP))
    for number, row in enumerate(rows):
        cells = list(row)
        if not number:
            for place, _ in enumerate(cells):
                table.add_column(no_wrap=bool(place), overflow="ellipsis" if place else "fold")
        table.add_row(*cells)
    return table


def indented(table: Table) -> Padding:
    """Under its title, each line of it."""
    return Padding.indent(table, INDENT)


def left_out(count: int, what: str) -> Iterator[Text]:
    """The line that says how many more there are, where there are more."""
    if count > 0:
        yield Text(f"  and {count} more {what}", style="dim")


def number(value: float | None) -> float | str | None:
    """As JSON can say it."""
    if value is None or math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")


def is_number(value: object) -> bool:
    """Whether there is a number, which NaN is not."""
    return isinstance(value, float | int) and not math.isnan(value)
