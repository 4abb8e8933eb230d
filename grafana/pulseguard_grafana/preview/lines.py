"""Numbers over time: a line for each series."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from pulseguard_grafana.preview.colours import style_of
from pulseguard_grafana.preview.content import (
    INDENT,
    coloured,
    grid,
    indented,
    is_number,
    left_out,
    number,
    plain,
)
from pulseguard_grafana.preview.fields import Field, Json, field_of
from pulseguard_grafana.preview.queries import Asking
from pulseguard_grafana.preview.sparklines import cells, sparkline, width_for
from pulseguard_grafana.preview.time_range import TimeRange


@dataclass(frozen=True)
class _Line:
    name: str
    values: Mapping[float, float]
    field: Field

    @property
    def last(self) -> float:
        return self.values[max(self.values)]

    @property
    def largest(self) -> float:
        known = [value for value in self.values.values() if not math.isnan(value)]
        return max(known, default=math.nan)


@dataclass(frozen=True)
class Lines:
    """The series of a graph, the largest of now first."""

    lines: Sequence[_Line]
    shown: TimeRange

    @property
    def has_data(self) -> bool:
        """Whether a series has a number."""
        return any(is_number(value) for line in self.lines for value in line.values.values())

    def drawn(self, most: int, room: int) -> Iterator[RenderableType]:
        """Of each series its name, its course on a scale of its own, its last and largest value."""
        lines = self.lines[:most]
        names = [Text(plain(line.name)) for line in lines]
        last = [Text("last ").append_text(coloured(each.field.shown(each.last))) for each in lines]
        top = [Text("max ").append_text(coloured(each.field.shown(each.largest))) for each in lines]
        width = width_for([line.values for line in lines], names, last, top, room=room - INDENT)
        courses = [
            Text(
                sparkline(cells(line.values, self.shown, width)),
                style=style_of(line.field.fixed_colour),
            )
            for line in lines
        ]
        yield indented(grid(zip(names, courses, last, top, strict=True)))
        yield from left_out(len(self.lines) - most, "series")

    # Any: JSON.
    def document(self) -> dict[str, Any]:
        """Each series with its points, times in Unix seconds."""
        return {
            "series": [
                {
                    "name": line.name,
                    "unit": line.field.unit,
                    "last": number(line.last),
                    "max": number(line.largest),
                    "points": [[at, number(value)] for at, value in sorted(line.values.items())],
                }
                for line in self.lines
            ]
        }


def read(panel: Json, asking: Asking) -> Lines:
    """A graph's series; QueryFailed where a query of it has no answer."""
    lines = [
        _Line(each.name, each.values, field_of(panel, each.name))
        for each in asking.series(panel)
        if each.values
    ]
    return Lines(lines, asking.panel_range(panel))
