"""A group as a file has it, and what is wrong at a place of a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pulseguard_registry.rules.vocabulary import RuleGroup


@dataclass(frozen=True)
class Place:
    """A line of a file, from 1; None for a file as a whole."""

    file: str
    line: int | None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True)
class FileFault:
    """What is wrong with a field at a place of a file."""

    place: Place
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.field + ': ' if self.field else ''}{self.message}"


@dataclass(frozen=True)
class FiledGroup:
    """A group as a file has it; `places` has the line of each field by its path, `""` its own.

    In the place of a rule of which nobody can say what it is there is an empty one, in `broken`.
    """

    group: RuleGroup
    file: str
    places: Mapping[str, int]
    broken: frozenset[int] = frozenset()

    def is_broken_at(self, field: str) -> bool:
        """Whether this is a field of such a rule, of which more cannot be said."""
        if field == "rules":
            return bool(self.broken)
        parts = field.split(".")
        return parts[0] == "rules" and int(parts[1]) in self.broken

    def line_of(self, field: str) -> int:
        """The line of a field, as `rules.2.expr`; where it has none, of what it belongs to."""
        while field and field not in self.places:
            field = field.rpartition(".")[0]
        return self.places[field]
