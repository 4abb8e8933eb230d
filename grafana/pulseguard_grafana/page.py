"""A page: what it asks, its rows of panels, and their places on the 24 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pulseguard_grafana.panels.panel import Json, Panel

COLUMNS = 24
_ROW_HEIGHT = 1


@dataclass(frozen=True)
class Row:
    """Panels under a heading, from left to right and line by line; `is_open` at first."""

    title: str
    panels: Sequence[Panel]
    is_open: bool = True


@dataclass(frozen=True)
class Page:
    """One page. `name` makes its file and its uid, which never change; `questions` say what it is
    for. `top` is above all rows; `of_agents` lets agent and instance be chosen as well; one that is
    `of_monitor` is about no agents at all; `more_variables` are the page's own, after these.
    `begins` is since when it shows at first, such as `now-1h`."""

    name: str
    title: str
    questions: str
    top: Sequence[Panel]
    rows: Sequence[Row]
    of_agents: bool = False
    of_monitor: bool = False
    begins: str = "now-1h"
    more_variables: Sequence[Json] = ()

    @property
    def uid(self) -> str:
        """Under which links find it, for ever."""
        return f"pulseguard-{self.name}"

    @property
    def panels(self) -> Sequence[Panel]:
        """All of them, from top to bottom."""
        return [*self.top, *(panel for row in self.rows for panel in row.panels)]


@dataclass(frozen=True)
class Place:
    """Where something is, in columns and units of 30 pixels from the top left."""

    x: int
    y: int
    width: int
    height: int


def laid_out(panels: Sequence[Panel], y: int) -> Iterator[tuple[Panel, Place]]:
    """Each beside the last one while there is room, else under the highest of that line."""
    x = height = 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y, height = 0, y + height, 0
        yield panel, Place(x, y, panel.width, panel.height)
        x += panel.width
        height = max(height, panel.height)


def heading(y: int) -> Place:
    """The place of a row's heading."""
    return Place(0, y, COLUMNS, _ROW_HEIGHT)


def below(places: Sequence[Place], y: int) -> int:
    """The first line under all of these, and at least `y`."""
    return max([y, *(place.y + place.height for place in places)])
