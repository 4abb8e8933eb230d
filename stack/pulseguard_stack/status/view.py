"""The fleet on a terminal: what `rich` draws from the rows and the notices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from pulseguard_stack.status import notices, wording
from pulseguard_stack.status.addresses import address_lines
from pulseguard_stack.status.fleet import Fleet
from pulseguard_stack.status.judgement import Judged, Level, judge_fleet
from pulseguard_stack.status.readings import total_of
from pulseguard_stack.status.room import Cut, Listing, cut_list, share_out, wanted_lines
from pulseguard_stack.status.table import TREND_WIDTH, Column, columns_for, rows, widened
from pulseguard_stack.status.titles import titles

# The titles of the columns.
_TABLE_HEADINGS: Final = 1
# The titles, one agent, and how many more there are.
_LEAST_FLEET_LINES: Final = 3
# What agents in trouble have before anything is said of them in sentences.
_TROUBLED_FLEET_LINES: Final = 5
# What the fleet has before the addresses have anything: the agents of a small fleet.
_FAIR_FLEET_LINES: Final = 9


def draw(
    fleet: Fleet, width: int, height: int | None = None, addresses: Sequence[str] = ()
) -> RenderableType:
    """The whole view; with a `height`, at most so many lines, the most important of them.

    Where there is no room, the addresses go first, then agents without trouble.
    """
    judged, called = judge_fleet(fleet), titles(fleet.members)
    columns = columns_for(width, called)
    has_troubles = any(column.title == "trouble" for column in columns)
    listings = {
        "faults": notices.faults_of(fleet),
        "troubles": notices.troubles_of(() if has_troubles else judged, called),
        "alerts": notices.alerts_of(fleet, called),
        "disagreements": notices.disagreements_of(fleet, called),
        "restarts": notices.restarts_of(fleet),
    }
    totals, footer = _totals(fleet, width), _footer(addresses, width)
    room = _room(height, listings, judged, len(totals), len(footer))
    said = {name: listing.fitted(room[name]) for name, listing in listings.items()}
    lines = [_headline(fleet, judged, width, bool(said["alerts"]))]
    lines += [*totals[: room["totals"]], *said["faults"]]
    lines += [Text("")] * room["gap"]
    lines += _agents(fleet, judged, columns, room["agents"], width)
    lines += [*said["troubles"], *said["alerts"]]
    lines += [*said["disagreements"], *said["restarts"]]
    # Where one line is missing, it is the empty one.
    lines += footer[room["addresses"] < len(footer) :][: room["addresses"]]
    return Group(*[_one_line(line, width) for line in lines])


def _room(
    height: int | None,
    listings: dict[str, Listing],
    judged: Sequence[Judged],
    totals: int,
    addresses: int,
) -> dict[str, int]:
    """The lines of each part: what tells of trouble comes before what tells of everything."""
    alerts = listings["alerts"]
    agents = wanted_lines(len(judged), _TABLE_HEADINGS, None) or 1
    troubled = sum(one.level < Level.GOOD for one in judged) + _LEAST_FLEET_LINES - 1
    return share_out(
        height,
        [
            ("headline", 1),
            ("faults", listings["faults"].wanted),
            ("alerts", min(alerts.wanted, 1)),
            ("agents", min(agents, _LEAST_FLEET_LINES)),
            ("alerts", alerts.wanted - len(alerts.headings)),
            ("agents", min(agents, troubled, _TROUBLED_FLEET_LINES)),
            ("troubles", listings["troubles"].wanted),
            ("gap", 1),
            ("disagreements", min(listings["disagreements"].wanted, 1)),
            ("restarts", listings["restarts"].wanted),
            ("disagreements", listings["disagreements"].wanted),
            ("alerts", alerts.wanted),
            ("totals", totals),
            ("agents", min(agents, _FAIR_FLEET_LINES)),
            ("addresses", addresses),
            ("agents", agents),
        ],
    )


def _headline(fleet: Fleet, judged: Sequence[Judged], width: int, alerts_are_shown: bool) -> Text:
    counts = {level: sum(one.level == level for one in judged) for level in Level}
    said = [f"{len(judged)} agents" if len(judged) != 1 else "1 agent"]
    if counts[Level.BAD]:
        said.append(f"{counts[Level.BAD]} in trouble")
    if fleet.heard.alerts and not alerts_are_shown:
        said.append(f"{len(fleet.heard.alerts)} firing")
    if counts[Level.DOUBTFUL]:
        said.append(f"{counts[Level.DOUBTFUL]} worth a look")
    if counts[Level.STOPPED]:
        said.append(f"{counts[Level.STOPPED]} stopped")
    words, simulated = ", ".join(said), fleet.is_simulated
    named = f"PulseGuard{' (simulated fleet)' if simulated else ''}  {words}"
    timed = f"{named}  {notices.clock(fleet.taken_at)}"
    drawn = (timed, named, f"{words}{' (simulated)' if simulated else ''}", words)
    return Text(next((line for line in drawn if len(line) <= width), words), style="bold")


def _totals(fleet: Fleet, width: int) -> list[Text]:
    """One line, of as many totals as it has room for."""
    total = total_of([one.reading for one in fleet.members if one.reading])
    if total.calls_per_second is None:
        return []
    calls = f"in all: {wording.number(total.calls_per_second)} calls/s"
    trend = f" {wording.sparkline(total.trend, TREND_WIDTH)}".rstrip()
    tokens = f", {wording.number(total.tokens_per_second)} tok/s"
    cost = f", {wording.dollars(total.cost_usd_per_hour)} $/h"
    drawn = (calls + trend + tokens + cost, calls + tokens + cost, calls + tokens, calls)
    return [Text(line) for line in drawn if len(line) <= width][:1]


def _agents(
    fleet: Fleet, judged: Sequence[Judged], columns: Sequence[Column], room: int, width: int
) -> list[Text]:
    if not judged or not room:
        return [Text(_empty(fleet))] if room else []
    cut = cut_list(len(judged), _TABLE_HEADINGS, None, room)
    lines: list[Text] = []
    if cut.shown:
        shown, now = judged[: cut.shown], fleet.taken_at
        wide = widened(columns, shown, now, width)
        lines += _table(wide, shown, now, with_titles=cut.headings > 0)
    if cut.left_out:
        lines.append(Text(_left_out(cut, width)))
    return lines


def _left_out(cut: Cut, width: int) -> str:
    """How many agents there is no room for, and how to see them where there is room for that."""
    worse = f"and {cut.left_out} more, none in a worse state"
    said = f"… {worse if cut.shown else f'{cut.left_out} agents'}"
    whole = f"{said}: pulseguard status --wide shows all"
    return whole if len(whole) <= width else said


def _table(
    columns: Sequence[Column], shown: Sequence[Judged], now: datetime, *, with_titles: bool
) -> list[Text]:
    """Lines of our own: rich's tables measure and wrap each cell, which here fits already."""
    heading = [Text(wording.elided(column.title, column.width), style="bold") for column in columns]
    agents = [
        [Text(cell.text, style=notices.STYLES[cell.level]) for cell in row]
        for row in rows(columns, shown, now)
    ]
    return [_line(columns, cells) for cells in ([heading, *agents] if with_titles else agents)]


def _line(columns: Sequence[Column], cells: Sequence[Text]) -> Text:
    for column, cell in zip(columns, cells, strict=True):
        cell.align("right" if column.right else "left", column.width)
    return Text(" ").join(cells)


def _footer(addresses: Sequence[str], width: int) -> list[Text]:
    """An empty line, and where everything is."""
    lines = address_lines(addresses, width)
    return [Text(line) for line in ("", *lines)] if lines else []


def _empty(fleet: Fleet) -> str:
    if fleet.heard.registry.fault or fleet.heard.prometheus.fault:
        return "no agent is known"
    return "no agent is registered yet: agent.start() in your own program does it"


def _one_line(text: Text, width: int) -> Text:
    text.truncate(width, overflow="ellipsis")
    return text
