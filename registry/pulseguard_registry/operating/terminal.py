"""How the verbs of an operator answer: tables for people, JSON for programs, faults in one line."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pulseguard_registry.errors import ConfigurationError, RegistryError

# A pipe has no width: room for every column.
_WIDTH_WITHOUT_TERMINAL: Final = 200
_UUID_CHARACTERS: Final = 36
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60))


class _PipedConsole(Console):
    """A console that leaves a reader that has gone to the command."""

    def on_broken_pipe(self) -> None:
        """Called while the BrokenPipeError is handled."""
        raise


def run_verb(command: str, parser: argparse.ArgumentParser, argv: Sequence[str]) -> int:
    """Do what the arguments' `run` does; 1 where it fails, 2 for what cannot be used, in a line."""
    arguments = parser.parse_args(argv)
    run: Callable[[argparse.Namespace], None] = arguments.run
    try:
        run(arguments)
    except RegistryError as error:
        sys.stderr.write(f"{command}: {error}\n")
        return 2 if isinstance(error, ConfigurationError) else 1
    return 0


def write_json(document: object) -> None:
    """One JSON document."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_table(columns: Sequence[str], rows: Iterable[Sequence[object]], nothing: str) -> None:
    """A table, or the sentence that says that there is nothing."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in columns:
        # An id is there to be copied, however narrow the terminal is.
        is_id = name == "id"
        table.add_column(name, no_wrap=is_id, min_width=_UUID_CHARACTERS if is_id else None)
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    _print(table if table.row_count else nothing)


def write_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """Names and values, one a line."""
    table = Table.grid("name", "value", padding=(0, 2))
    for name, value in pairs:
        table.add_row(Text(name, style="bold"), _cell(value))
    _print(table)


def say(sentence: str) -> None:
    """One line for people."""
    sys.stdout.write(sentence + "\n")


def agrees(question: str) -> bool:
    """Whether who sits at the terminal says yes; what else is said, or nothing, is no."""
    # Not where the answer for programs goes.
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def ago(moment: str | None) -> str:
    """How long ago a moment of the API's was; `never` for none."""
    if moment is None:
        return "never"
    seconds = (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    return f"{lasting(abs(seconds))} ago" if seconds >= 0 else f"in {lasting(-seconds)}"


def lasting(seconds: float) -> str:
    """A time as people say it, in its largest unit."""
    for unit, length in _UNITS:
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


# Any: JSON of the API.
def _cell(value: Any) -> Text:
    if isinstance(value, dict):
        value = " ".join(f"{name}={each}" for name, each in value.items())
    elif isinstance(value, list):
        value = " ".join(map(str, value))
    # Text, not markup: a name in brackets is a name.
    return Text("" if value is None else str(value))


def _print(what: Table | str) -> None:
    console = _PipedConsole(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH_WITHOUT_TERMINAL
    console.print(what)
