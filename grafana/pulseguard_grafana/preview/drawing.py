"""An evaluated dashboard on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from rich.console import Console, RenderableType
from rich.text import Text

from pulseguard_grafana.preview.content import plain
from pulseguard_grafana.preview.evaluation import EvaluatedDashboard, EvaluatedPanel

# A pipe has no width, unless whoever reads it says one: room for everything.
_WIDTH_WITHOUT_TERMINAL: Final = 100_000


class _PipedConsole(Console):
    """A console that leaves a reader that has gone to the command."""

    def on_broken_pipe(self) -> None:
        """Called while the BrokenPipeError is handled."""
        raise


def draw(dashboard: EvaluatedDashboard, most: int) -> None:
    """Write it to standard output, of each panel at most so many rows or series."""
    console = _PipedConsole(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH_WITHOUT_TERMINAL
    for part in _drawn(dashboard, most, console.width):
        if console.is_terminal:
            console.print(part)
        else:
            with console.capture() as captured:
                console.print(part)
            sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def _drawn(dashboard: EvaluatedDashboard, most: int, room: int) -> Iterator[RenderableType]:
    begin, end = (_moment(at) for at in (dashboard.shown.start, dashboard.shown.end))
    yield Text(f"{dashboard.title}, {begin} to {end}", style="bold")
    for name, chosen in dashboard.variables.items():
        values = (
            "" if list(chosen.texts) == list(chosen.values) else f": {', '.join(chosen.values)}"
        )
        yield Text(plain(f"  {name} = {', '.join(chosen.texts)}{values}"), style="dim")
    row = ""
    for panel in dashboard.panels:
        if panel.row != row:
            row = panel.row
            yield Text(f"\n── {plain(row)} ──", style="bold")
        yield Text(f"\n{plain(panel.title)}", style="bold")
        yield from _drawn_panel(panel, most, room)


def _drawn_panel(panel: EvaluatedPanel, most: int, room: int) -> Iterator[RenderableType]:
    if panel.error is not None:
        yield Text(f"  {plain(panel.error)}", style="red")
    elif panel.content is None or not panel.has_data:
        yield Text(f"  {panel.no_data}", style="dim")
    else:
        yield from panel.content.drawn(most, room)


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M:%S")
