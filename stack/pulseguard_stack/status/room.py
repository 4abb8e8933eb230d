"""Which part of the view gets how many lines, and what a list shows of itself in so many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.text import Text


@dataclass(frozen=True)
class Cut:
    """What of a list is shown: so many of its last heading lines, so many entries."""

    headings: int
    shown: int
    left_out: int


@dataclass(frozen=True)
class Listing:
    """Lines of one kind, the most important first; `title` counts them all, with those that are
    `elsewhere` and have no line."""

    title: str
    lines: Sequence[Text]
    headings: Sequence[Text] = ()
    most: int | None = None
    elsewhere: int = 0

    @property
    def wanted(self) -> int:
        """How many lines it takes where there is room for everything."""
        return wanted_lines(len(self.lines), len(self.headings), self.most)

    def fitted(self, room: int) -> list[Text]:
        """At most so many lines, which say how many more there are."""
        if not self.lines or room < 1:
            return []
        if room == 1 and len(self.lines) > 1:
            first = self.lines[0]
            return [Text(f"{self.title}: {first.plain.lstrip('! ')}", style=first.style)]
        cut = cut_list(len(self.lines), len(self.headings), self.most, room)
        more = cut.left_out + self.elsewhere
        left_out = [Text(f"   … and {more} more")] if cut.left_out else []
        headings = self.headings[len(self.headings) - cut.headings :]
        return [*headings, *self.lines[: cut.shown], *left_out]


def wanted_lines(count: int, headings: int, most: int | None) -> int:
    """How many lines a list takes that shows at most so many entries, and says how many more."""
    if not count:
        return 0
    return headings + (count if most is None or count <= most else most + 1)


def cut_list(count: int, headings: int, most: int | None, room: int) -> Cut:
    """What a list shows in so many lines: its headings give way before its entries."""
    headings = max(min(headings, room - min(count, 2)), 0)
    room -= headings
    if count <= room and (most is None or count <= most):
        return Cut(headings, count, 0)
    shown = max(room - 1, 0) if most is None else max(min(room - 1, most), 0)
    return Cut(headings, shown, count - shown)


def share_out(height: int | None, steps: Iterable[tuple[str, int]]) -> dict[str, int]:
    """The lines of each part: in the order of the steps, each brings a part up to so many lines.

    Without a height every part gets the most that any step gives it.
    """
    given: dict[str, int] = {}
    left = height
    for part, lines in steps:
        more = max(lines - given.get(part, 0), 0)
        if left is not None:
            more = min(more, left)
            left -= more
        given[part] = given.get(part, 0) + more
    return given
