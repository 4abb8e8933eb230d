"""The fleet as rows of cells: which columns there is room for, and what stands in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from pulseguard_stack.status import wording
from pulseguard_stack.status.judgement import Judged, Level, context_level, success_level
from pulseguard_stack.status.readings import Reading

MARKS: Final = {Level.BAD: "!!", Level.DOUBTFUL: "!", Level.GOOD: "", Level.STOPPED: ""}
TREND_WIDTH: Final = 20

_NOTHING: Final = Reading("")


@dataclass(frozen=True)
class Cell:
    """What stands in one place, and how it is judged."""

    text: str
    level: Level = Level.GOOD


@dataclass(frozen=True)
class Column:
    """A column of so many characters, shown where the terminal has at least `from_width`."""

    title: str
    width: int
    from_width: int
    cell: Callable[[Judged, datetime], Cell]
    right: bool = False


def columns_for(width: int, titles: Mapping[str, str]) -> list[Column]:
    """The columns that a terminal of this width has room for, whole; `titles` names the agents."""

    def agent(judged: Judged, now: datetime) -> Cell:
        return Cell(titles[judged.member.agent_id], judged.level)

    title_width = 14 if width < 100 else 18 if width < 130 else 24
    name = Column("agent", max(min(title_width, width - _MARK.width - 1), 1), 0, agent)
    shown = [_MARK, name, *(column for column in _COLUMNS if width >= column.from_width)]
    left = width - sum(column.width + 1 for column in shown)
    return [*shown, _troubles(left)] if left >= _LEAST_TROUBLE_WIDTH else shown


def widened(
    columns: Sequence[Column], fleet: Sequence[Judged], now: datetime, width: int
) -> list[Column]:
    """The same columns, those of texts as wide as their longest where the line has room for it.

    The column of troubles, which has all the rest of a line, gives what it does not need itself.
    """
    longest = [0 if column.right else _longest(column, fleet, now) for column in columns]
    wide = [_narrowed(*each) for each in zip(columns, longest, strict=True)]
    left = width + 1 - sum(column.width + 1 for column in wide)
    for index, (column, needed) in enumerate(zip(wide, longest, strict=True)):
        more = max(min(needed - column.width, left), 0)
        wide[index] = replace(column, width=column.width + more)
        left -= more
    return wide


def _narrowed(column: Column, longest: int) -> Column:
    if column.title != _TROUBLE:
        return column
    return replace(column, width=min(column.width, max(longest, _LEAST_TROUBLE_WIDTH - 1)))


def _longest(column: Column, fleet: Sequence[Judged], now: datetime) -> int:
    return max([len(column.title), *(len(column.cell(one, now).text) for one in fleet)])


def rows(columns: Sequence[Column], fleet: Sequence[Judged], now: datetime) -> list[list[Cell]]:
    """One row for each agent, each cell cut to the width of its column."""
    return [[_fitted(column, judged, now) for column in columns] for judged in fleet]


def _fitted(column: Column, judged: Judged, now: datetime) -> Cell:
    cell = column.cell(judged, now)
    # Half a number is a wrong number.
    if column.right and len(cell.text) > column.width:
        return Cell("…", cell.level)
    return Cell(wording.elided(cell.text, column.width), cell.level)


def _reading(judged: Judged) -> Reading:
    return judged.member.reading or _NOTHING


def _mark(judged: Judged, now: datetime) -> Cell:
    return Cell(MARKS[judged.level], judged.level)


def _status(judged: Judged, now: datetime) -> Cell:
    member = judged.member
    if member.status is None:
        said = "unregistered" if member.is_registered is False else wording.UNKNOWN
        return Cell(said, judged.level)
    # UNKNOWN and MAINTENANCE have one reason only, and ONLINE needs none.
    if member.reason in (None, "never_heard", "maintenance"):
        return Cell(member.status, judged.level)
    return Cell(f"{member.status} {member.reason}", judged.level)


def _calls(judged: Judged, now: datetime) -> Cell:
    return Cell(wording.number(_reading(judged).calls_per_second))


def _p95(judged: Judged, now: datetime) -> Cell:
    return Cell(wording.seconds(_reading(judged).p95_seconds))


def _tokens(judged: Judged, now: datetime) -> Cell:
    return Cell(wording.number(_reading(judged).tokens_per_second))


def _success(judged: Judged, now: datetime) -> Cell:
    ratio = _reading(judged).success_ratio
    return Cell(wording.share(ratio), success_level(ratio))


def _cost(judged: Judged, now: datetime) -> Cell:
    return Cell(wording.dollars(_reading(judged).cost_usd_per_hour))


def _context(judged: Judged, now: datetime) -> Cell:
    reading = _reading(judged)
    level = context_level(reading.context_used_ratio)
    if reading.context_tokens is None or reading.context_used_ratio is None:
        return Cell(wording.number(reading.context_tokens), level)
    tokens, used = wording.number(reading.context_tokens), reading.context_used_ratio
    both = f"{tokens} {wording.share(used)}"
    return Cell(both if len(both) <= _CONTEXT_WIDTH else wording.share(used), level)


def _seen(judged: Judged, now: datetime) -> Cell:
    registered = judged.member.registered
    at = registered.last_seen_at if registered else None
    return Cell(wording.age(None if at is None else (now - at).total_seconds()))


def _trend(judged: Judged, now: datetime) -> Cell:
    return Cell(wording.sparkline(_reading(judged).trend, TREND_WIDTH))


def _environment(judged: Judged, now: datetime) -> Cell:
    return Cell(judged.member.environment)


def _team(judged: Judged, now: datetime) -> Cell:
    return Cell(judged.member.team)


def _version(judged: Judged, now: datetime) -> Cell:
    return Cell(judged.member.version or wording.UNKNOWN)


def _troubles(width: int) -> Column:
    return Column(
        _TROUBLE, width - 1, 0, lambda judged, now: Cell(", ".join(judged.troubles), judged.level)
    )


_TROUBLE: Final = "trouble"
_LEAST_TROUBLE_WIDTH: Final = 30
_CONTEXT_WIDTH: Final = 9
_MARK: Final = Column("", 2, 0, _mark)
# Below 80 columns the numbers go one by one: first what others tell as well, the status last.
_COLUMNS: Final = (
    Column("status", 15, 33, _status),
    Column("environment", 11, 110, _environment),
    Column("team", 12, 130, _team),
    Column("version", 9, 130, _version),
    Column("calls/s", 7, 41, _calls, right=True),
    Column("p95", 5, 52, _p95, right=True),
    Column("tok/s", 6, 70, _tokens, right=True),
    Column("ok", 4, 46, _success, right=True),
    Column("$/h", 5, 63, _cost, right=True),
    Column("context", _CONTEXT_WIDTH, 80, _context, right=True),
    Column("seen", 4, 57, _seen, right=True),
    Column("calls, 5 min", TREND_WIDTH, 150, _trend),
)
