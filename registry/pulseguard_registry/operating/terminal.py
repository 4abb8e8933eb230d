"""How the verbs of an operator answer: tables for people, JSON for programs, faults in one line."""

from __future__ import annotations

import argparse
import json
import os
import sys
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pulseguard_registry.errors import ConfigurationError, RegistryError
from pulseguard_registry.operating.columns import GAP, elided, fit

# A pipe has no width, unless whoever reads it says one: room for everything.
_WIDTH_WITHOUT_TERMINAL: Final = 100_000
_IDS: Final = ("id", "agent", "enrolled by")
# Marks after which a terminal writes in the other direction.
_TURNING: Final = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
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
        write_fault(f"{command}: {error}")
        return 2 if isinstance(error, ConfigurationError) else 1
    return 0


def add_width(parser: argparse.ArgumentParser) -> None:
    """The flag of a verb that writes a table."""
    parser.add_argument("--wide", action="store_true", help="every column, however long the lines")


def write_json(document: object) -> None:
    """One JSON document."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    nothing: str,
    *,
    telling: Sequence[str],
    wide: bool,
) -> None:
    """A table, or the sentence that says that there is nothing.

    A terminal shows those columns that it has room for, in the order in which they tell something;
    `wide` shows all, as a pipe does. An id is there to be copied: it is never cut.
    """
    cells = [[_text(value) for value in row] for row in rows]
    if not cells:
        say(nothing)
        return
    lines = [list(columns), *cells]
    wanted = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    console = _console()
    order = [columns.index(name) for name in telling]
    ids = frozenset(index for index, name in enumerate(columns) if name in _IDS)
    widths = wanted if wide else fit(wanted, order, ids, console.width)
    for number, line in enumerate(lines):
        shown = (elided(*each) for each in zip(line, widths, strict=True) if each[1])
        # Text, not markup: a name in brackets is a name.
        text = Text((" " * GAP).join(shown).rstrip(), style="" if number else "bold")
        console.print(text, soft_wrap=True)
    if left_out := [name for name, width in zip(columns, widths, strict=True) if not width]:
        say(f"no room for {', '.join(left_out)}: --wide or --json has all")


def write_pairs(pairs: Iterable[tuple[str, object]]) -> None:
    """Names and values, one a line; no line ends in blanks but on a terminal."""
    table = Table.grid("name", "value", padding=(0, GAP))
    for name, value in pairs:
        table.add_row(Text(name, style="bold"), Text(_text(value)))
    console = _console()
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def say(sentence: str) -> None:
    """One line for people."""
    sys.stdout.write(_shown(sentence) + "\n")


def counted(count: int, noun: str) -> str:
    """So many of them, as people say it."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def write_fault(sentence: str) -> None:
    """One line for people, where faults are told."""
    sys.stderr.write(_shown(sentence) + "\n")


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
def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = " ".join(f"{name}={each}" for name, each in value.items())
    elif isinstance(value, list):
        value = " ".join(map(str, value))
    return "" if value is None else _shown(str(value))


def _shown(text: str) -> str:
    """A text of anybody's without what a terminal would obey rather than show."""
    return "".join(each if _is_shown(each) else "\ufffd" for each in text)


def _is_shown(character: str) -> bool:
    is_order = unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
    return character in "\n\t" or not (is_order or character in _TURNING)


def _console() -> Console:
    console = _PipedConsole(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH_WITHOUT_TERMINAL
    return console
