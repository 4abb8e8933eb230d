"""The fleet on a terminal: what `rich` draws from the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pulseguard_stack.status import wording
from pulseguard_stack.status.fleet import Alert, Fleet, Source
from pulseguard_stack.status.judgement import Judged, Level, judge_fleet
from pulseguard_stack.status.readings import total_of
from pulseguard_stack.status.table import MARKS, TREND_WIDTH, Column, columns_for, rows

# Colour judges and does nothing else; the marks and words say the same without it.
STYLES: Final = {Level.BAD: "bold red", Level.DOUBTFUL: "yellow", Level.GOOD: "", Level.STOPPED: ""}
_MOST_ALERTS: Final = 5
_MOST_TROUBLES: Final = 5


def draw(fleet: Fleet, width: int, height: int | None = None) -> RenderableType:
    """The whole view; with a `height`, at most so many lines: agents without trouble go first."""
    judged = judge_fleet(fleet)
    columns = columns_for(width, judged)
    above = [_headline(fleet, judged), *_totals(fleet), *_faults(fleet)]
    below = [*_troubles(judged, columns), *_alerts(fleet)]
    room = None if height is None else max(height - len(above) - len(below) - 3, 1)
    shown = judged if room is None or len(judged) <= room else judged[: max(room - 1, 1)]
    lines: list[RenderableType] = [*above, Text("")]
    lines.append(_table(columns, shown, fleet.taken_at) if judged else Text(_empty(fleet)))
    if len(shown) < len(judged):
        lines.append(Text(f"… and {len(judged) - len(shown)} more, none in a worse state"))
    lines += [_one_line(text, width) for text in below]
    return Group(*[_one_line(line, width) if isinstance(line, Text) else line for line in lines])


def _headline(fleet: Fleet, judged: Sequence[Judged]) -> Text:
    counts = {level: sum(one.level == level for one in judged) for level in Level}
    said = [f"{len(judged)} agents" if len(judged) != 1 else "1 agent"]
    if counts[Level.BAD]:
        said.append(f"{counts[Level.BAD]} in trouble")
    if counts[Level.DOUBTFUL]:
        said.append(f"{counts[Level.DOUBTFUL]} worth a look")
    if counts[Level.STOPPED]:
        said.append(f"{counts[Level.STOPPED]} stopped")
    simulated = " (simulated fleet)" if fleet.is_simulated else ""
    taken = fleet.taken_at.astimezone().strftime("%H:%M:%S")
    return Text(f"PulseGuard{simulated}  {', '.join(said)}  {taken}", style="bold")


def _totals(fleet: Fleet) -> Iterator[Text]:
    total = total_of([one.reading for one in fleet.members if one.reading])
    if total.calls_per_second is None:
        return
    said = [
        f"{wording.number(total.calls_per_second)} calls/s"
        f" {wording.sparkline(total.trend, TREND_WIDTH)}".rstrip(),
        f"{wording.number(total.tokens_per_second)} tok/s",
        f"{wording.dollars(total.cost_usd_per_hour)} $/h",
    ]
    yield Text("in all: " + ", ".join(said))


def _faults(fleet: Fleet) -> Iterator[Text]:
    heard = fleet.heard
    for source, consequence in (
        (heard.registry, _old_inventory(heard.registry, fleet.taken_at)),
        (heard.prometheus, "no numbers"),
    ):
        if source.fault:
            yield Text(f"! {_away(source)}; {consequence}", style=STYLES[Level.DOUBTFUL])
    if heard.alerts is None and not heard.registry.fault:
        yield Text(f"! alerts are not known: {heard.alerts_fault}", style=STYLES[Level.DOUBTFUL])


def _away(source: Source) -> str:
    return f"{source.name} {source.url or ''}".rstrip() + f": {source.fault}"


def _old_inventory(registry: Source, now: datetime) -> str:
    if registry.as_of is None:
        return "status is not known"
    return f"status is of {wording.age((now - registry.as_of).total_seconds())} ago"


def _table(columns: Sequence[Column], shown: Sequence[Judged], now: datetime) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for column in columns:
        justify = "right" if column.right else "left"
        table.add_column(
            column.title,
            width=column.width,
            no_wrap=True,
            justify=justify,  # type: ignore[arg-type]  # one of rich's own words
        )
    for row in rows(columns, shown, now):
        table.add_row(*(Text(cell.text, style=STYLES[cell.level]) for cell in row))
    return table


def _troubles(judged: Sequence[Judged], columns: Sequence[Column]) -> Iterator[Text]:
    """What is wrong, in lines of its own where the table has no room for it."""
    troubled = [one for one in judged if one.troubles and one.level < Level.GOOD]
    if not troubled or any(column.title == "trouble" for column in columns):
        return
    yield Text("")
    for one in troubled[:_MOST_TROUBLES]:
        said = f"{MARKS[one.level]:2} {one.member.name}: {', '.join(one.troubles)}"
        yield Text(said, style=STYLES[one.level])
    if len(troubled) > _MOST_TROUBLES:
        yield Text(f"   … and {len(troubled) - _MOST_TROUBLES} more in trouble")


def _alerts(fleet: Fleet) -> Iterator[Text]:
    alerts = fleet.heard.alerts
    if not alerts:
        return
    yield Text("")
    yield Text(f"{len(alerts)} firing", style="bold")
    for alert in alerts[:_MOST_ALERTS]:
        yield Text(_alert(alert, fleet.taken_at), style=STYLES[_severity(alert)])
    if len(alerts) > _MOST_ALERTS:
        yield Text(f"   … and {len(alerts) - _MOST_ALERTS} more")


def _alert(alert: Alert, now: datetime) -> str:
    since = wording.age((now - alert.since).total_seconds())
    about = f" {alert.agent}" if alert.agent else ""
    return f"{MARKS[_severity(alert)]:2} {alert.name}{about}, for {since}: {alert.summary}"


def _severity(alert: Alert) -> Level:
    return Level.BAD if alert.severity == "critical" else Level.DOUBTFUL


def _empty(fleet: Fleet) -> str:
    if fleet.heard.registry.fault or fleet.heard.prometheus.fault:
        return "no agent is known"
    return "no agent is registered yet: agent.start() in your own program does it"


def _one_line(text: Text, width: int) -> Text:
    text.truncate(width, overflow="ellipsis")
    return text
