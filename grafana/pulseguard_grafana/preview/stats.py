"""Single numbers: the last value of each series."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from pulseguard_grafana.preview.content import coloured, is_number, left_out, number, plain
from pulseguard_grafana.preview.fields import Json, Shown, field_of, no_data_text
from pulseguard_grafana.preview.queries import Asking, NamedSeries


@dataclass(frozen=True)
class _Value:
    name: str
    value: float | None
    unit: str
    shown: Shown


@dataclass(frozen=True)
class Stat:
    """The numbers of a stat panel, each with a name where the panel shows names."""

    values: Sequence[_Value]
    has_names: bool

    @property
    def has_data(self) -> bool:
        """Whether one is a number."""
        return any(is_number(each.value) for each in self.values)

    def drawn(self, most: int, room: int) -> Iterator[RenderableType]:
        """All in one line."""
        line = Text("  ")
        for each in self.values[:most]:
            name = f"{plain(each.name)} " if self.has_names else ""
            line.append(name).append_text(coloured(each.shown)).append("  ")
        line.rstrip()
        yield line
        yield from left_out(len(self.values) - most, "values")

    # Any: JSON.
    def document(self) -> dict[str, Any]:
        """Each value with its name and its text."""
        values = [
            {
                "name": each.name,
                "value": number(each.value),
                "text": each.shown.text,
                "unit": each.unit,
            }
            for each in self.values
        ]
        return {"values": values}


def read(panel: Json, asking: Asking) -> Stat:
    """A stat panel's numbers; QueryFailed where a query of it has no answer."""
    options = panel["options"]
    has_names = "name" in options.get("textMode", "auto")
    has_colour = options.get("colorMode", "value") != "none"
    series = [each for each in asking.series(panel) if each.values]
    return Stat([_value(panel, each, has_colour=has_colour) for each in series], has_names)


def _value(panel: Json, series: NamedSeries, *, has_colour: bool) -> _Value:
    """The last value that is a number, as Grafana reduces it; the panel's text where none is."""
    look = field_of(panel, series.name)
    numbers = {at: value for at, value in series.values.items() if not math.isnan(value)}
    value = numbers[max(numbers)] if numbers else None
    shown = look.shown(value)
    text = shown.text or no_data_text(panel)
    return _Value(series.name, value, look.unit, Shown(text, shown.colour if has_colour else ""))
