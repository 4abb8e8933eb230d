"""Which state held when: a bar of letters for each series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_letters
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
from pulseguard_grafana.preview.fields import Field, Json, Shown, field_of
from pulseguard_grafana.preview.queries import Asking
from pulseguard_grafana.preview.sparklines import cells, width_for
from pulseguard_grafana.preview.time_range import TimeRange


@dataclass(frozen=True)
class _Bar:
    name: str
    values: Mapping[float, float]
    field: Field


@dataclass(frozen=True)
class Timeline:
    """The bars of a state timeline."""

    bars: Sequence[_Bar]
    shown: TimeRange

    @property
    def has_data(self) -> bool:
        """Whether a bar has a state."""
        return any(is_number(value) for bar in self.bars for value in bar.values.values())

    def drawn(self, most: int, room: int) -> Iterator[RenderableType]:
        """Each bar with the state of now, then which letter is which state."""
        bars = self.bars[:most]
        states = [shown for bar in bars for shown in _states(bar)]
        letters = _letters(states)
        names = [Text(plain(bar.name)) for bar in bars]
        now = [coloured(bar.field.shown(bar.values[max(bar.values)])) for bar in bars]
        width = width_for([bar.values for bar in bars], names, now, room=room - INDENT)
        courses = [self._drawn_bar(bar, letters, width) for bar in bars]
        yield indented(grid(zip(names, courses, now, strict=True)))
        yield from left_out(len(self.bars) - most, "series")
        yield Text("  " + "  ".join(f"{letter} {plain(text)}" for text, letter in letters.items()))

    def _drawn_bar(self, bar: _Bar, letters: Mapping[str, str], width: int) -> Text:
        drawn = Text()
        for value in cells(bar.values, self.shown, width):
            if value is None:
                drawn.append(" ")
            else:
                state = bar.field.shown(value)
                drawn.append(letters[state.text], style=style_of(state.colour))
        return drawn

    # Any: JSON.
    def document(self) -> dict[str, Any]:
        """Each bar's states, those of the same name in a row once, with since when."""
        return {
            "series": [
                {"name": bar.name, "unit": bar.field.unit, "states": list(_changes(bar))}
                for bar in self.bars
            ]
        }


def read(panel: Json, asking: Asking) -> Timeline:
    """A state timeline's bars; QueryFailed where a query of it has no answer."""
    bars = [
        _Bar(each.name, each.values, field_of(panel, each.name))
        for each in asking.series(panel)
        if each.values
    ]
    return Timeline(bars, asking.panel_range(panel))


def _states(bar: _Bar) -> Iterator[Shown]:
    for value in dict.fromkeys(bar.values.values()):
        yield bar.field.shown(value)


def _letters(states: Sequence[Shown]) -> dict[str, str]:
    """A letter for each state, of its own name where another one has not taken it."""
    letters: dict[str, str] = {}
    for text in sorted({state.text for state in states}):
        free = (each for each in text + ascii_letters if each not in letters.values())
        letters[text] = next(free, "?")
    return letters


# Any: JSON.
def _changes(bar: _Bar) -> Iterator[dict[str, Any]]:
    before = None
    for at, value in sorted(bar.values.items()):
        text = bar.field.shown(value).text
        if text != before:
            yield {"since": at, "value": number(value), "text": text}
        before = text
