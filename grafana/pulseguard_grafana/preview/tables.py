"""Rows of now: the answers of a table's queries, put together as its transformations say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from pulseguard_grafana.preview.content import (
    GAP,
    coloured,
    grid,
    is_number,
    left_out,
    number,
    plain,
)
from pulseguard_grafana.preview.fields import Field, Json, Shown, field_of
from pulseguard_grafana.preview.queries import Asking, NamedSeries
from pulseguard_grafana.preview.transformations import Frame, Row, Rows, transformed

_COLOURED: Final = ("color-text", "color-background")


@dataclass(frozen=True)
class _Column:
    title: str
    field: Field

    @property
    def is_hidden(self) -> bool:
        return bool(self.field.custom.get("hidden"))

    def shown(self, row: Row) -> Shown:
        shown = self.field.shown(row.get(self.title))
        options = self.field.custom.get("cellOptions", {})
        return shown if options.get("type") in _COLOURED else Shown(shown.text)


@dataclass(frozen=True)
class TableOfNow:
    """The rows of a table and those of its columns that are not hidden, in their order."""

    columns: Sequence[_Column]
    rows: Sequence[Row]

    @property
    def has_data(self) -> bool:
        """Whether there is a row with more than labels."""
        return any(is_number(value) for row in self.rows for value in row.values())

    def drawn(self, most: int, room: int) -> Iterator[RenderableType]:
        """A heading and the first rows, with those columns from the left that there is room for.

        A link is no text: a column of nothing else is left out.
        """
        columns = [column for column in self.columns if not column.field.is_link]
        lines = [[Text(plain(column.title), style="bold") for column in columns]]
        lines += [[coloured(column.shown(row)) for column in columns] for row in self.rows]
        count = _fitting(lines[: most + 1], room)
        yield grid([Text(""), *line[:count]] for line in lines[: most + 1])
        yield from left_out(len(self.rows) - most, "rows")
        if without := [plain(column.title) for column in columns[count:]]:
            yield Text(f"  no room for {', '.join(without)}", style="dim")

    # Any: JSON.
    def document(self) -> dict[str, Any]:
        """Every row, its values by the titles of the columns, those without one left out."""
        return {
            "columns": [
                {"title": column.title, "unit": column.field.unit} for column in self.columns
            ],
            "rows": [
                {
                    column.title: _as_json(row[column.title])
                    for column in self.columns
                    if column.title in row
                }
                for row in self.rows
            ],
        }


def read(panel: Json, asking: Asking) -> TableOfNow:
    """A table's rows; QueryFailed where a query has no answer, NotUnderstood where one of the
    panel's transformations is unknown."""
    frames = _frames(asking.series(panel), len(panel["targets"]))
    frame = transformed(frames, panel.get("transformations", ()))
    columns = [_Column(name, field_of(panel, name)) for name in frame.names]
    shown = [column for column in columns if not column.is_hidden]
    return TableOfNow(shown, _sorted(frame.rows, panel["options"].get("sortBy", ())))


def _fitting(lines: Sequence[Sequence[Text]], room: int) -> int:
    """How many columns from the left fit into this room, and at least one."""
    ends = accumulate(
        GAP + max(cell.cell_len for cell in column) for column in zip(*lines, strict=True)
    )
    return max(1, sum(1 for end in ends if end <= room))


def _frames(series: Iterable[NamedSeries], queries: int) -> list[Frame]:
    """The rows of each query; Grafana names a value after its query where there are several."""
    found: dict[str, Rows] = {}
    for each in series:
        name = "Value" if queries == 1 else f"Value #{each.letter}"
        for at, value in each.values.items():
            row: Row = {"Time": 1000 * at, **each.labels, name: value}
            found.setdefault(each.letter, []).append(row)
    return [Frame.of(rows) for rows in found.values()]


def _sorted(rows: Rows, orders: Sequence[Json]) -> Rows:
    """By the columns that the panel is sorted by at first; what has no value comes last."""
    for order in reversed(orders):
        name = order["displayName"]
        known = [row for row in rows if not _is_empty(row.get(name))]
        empty = [row for row in rows if _is_empty(row.get(name))]
        known.sort(key=partial(_key, name), reverse=bool(order.get("desc")))
        rows = [*known, *empty]
    return rows


def _key(name: str, row: Row) -> tuple[float, str]:
    """Numbers by size, before texts by the alphabet."""
    value = row[name]
    return (math.inf, value.casefold()) if isinstance(value, str) else (value, "")


def _is_empty(value: float | str | None) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _as_json(value: float | str) -> float | str | None:
    return value if isinstance(value, str) else number(value)
