"""What is said in sentences around the table: faults, troubles, alerts and the like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from rich.text import Text

from pulseguard_stack.reach import unreached
from pulseguard_stack.status import wording
from pulseguard_stack.status.fleet import Alert, Disagreement, Disagreements, Fleet, Source
from pulseguard_stack.status.judgement import Judged, Level
from pulseguard_stack.status.restarts import RECENT_SECONDS, Restart
from pulseguard_stack.status.room import Listing
from pulseguard_stack.status.table import MARKS

# Colour judges and does nothing else; the marks and words say the same without it.
STYLES: Final = {Level.BAD: "bold red", Level.DOUBTFUL: "yellow", Level.GOOD: "", Level.STOPPED: ""}
_MOST_ALERTS: Final = 5
_MOST_TROUBLES: Final = 5
_MOST_RESTARTS: Final = 3
_MOST_DISAGREEMENTS: Final = 5
_DISAGREEMENTS: Final = {
    "registered_not_scraped": "is registered, and no Prometheus scrapes it",
    "scraped_not_registered": "is scraped, and nobody has registered it",
    "scraped_but_silent": "is scraped, and sends no heartbeats",
    "beats_but_down": "sends heartbeats, and its scrape fails",
    "retired_but_scraped": "is retired, and a Prometheus scrapes it still",
    "retired_but_heard": "is retired, and its process runs on: end it, or `pulseguard agents"
    " restore` it",
    "two_processes": "is two processes of one identity",
}


def faults_of(fleet: Fleet) -> Listing:
    """Which source does not answer, and what is not known for that."""
    lines = [Text(said, style=STYLES[Level.DOUBTFUL]) for said in _faults(fleet)]
    return Listing(f"! {len(lines)} faults", lines)


def troubles_of(judged: Sequence[Judged], titles: Mapping[str, str]) -> Listing:
    """What is wrong with which agent, the worst first."""
    troubled = [one for one in judged if one.troubles and one.level < Level.GOOD]
    lines = [_trouble(one, titles[one.member.agent_id]) for one in troubled]
    return Listing(f"{len(lines)} with troubles", lines, [Text("")], _MOST_TROUBLES)


def alerts_of(fleet: Fleet, titles: Mapping[str, str]) -> Listing:
    """What fires, critical alerts first, then the newest."""
    alerts = sorted(fleet.heard.alerts or (), key=_severity)
    lines = [
        Text(_alert(one, titles, fleet.taken_at), style=STYLES[_severity(one)]) for one in alerts
    ]
    title = f"{len(lines)} firing"
    return Listing(title, lines, [Text(""), Text(title, style="bold")], _MOST_ALERTS)


def restarts_of(fleet: Fleet) -> Listing:
    """What died on this machine in the last minutes, and whether it is back."""
    restarts = fleet.heard.restarts or ()
    times = sum(one.times for one in restarts)
    title = f"restarts in the last {RECENT_SECONDS // 60} min: {times}"
    headings = [Text(""), Text(title, style="bold")]
    return Listing(title, [_restart(one) for one in restarts], headings, _MOST_RESTARTS)


def disagreements_of(fleet: Fleet, titles: Mapping[str, str]) -> Listing:
    """About which agents inventory, heartbeats and scrapes tell different things."""
    known = fleet.heard.disagreements or Disagreements((), {})
    found = sorted(known.listed, key=lambda one: one.kind != "two_processes")
    style = STYLES[Level.DOUBTFUL]
    lines = [Text(_disagreement(one, titles), style=style) for one in found]
    title = f"disagreements: {known.total}"
    headings = [Text(""), Text(title, style="bold")]
    return Listing(title, lines, headings, _MOST_DISAGREEMENTS, known.total - len(lines))


def clock(at: datetime) -> str:
    """The time of day of this machine."""
    return at.astimezone().strftime("%H:%M:%S")


def _faults(fleet: Fleet) -> Iterator[str]:
    heard = fleet.heard
    for source, consequence in (
        (heard.registry, _old_inventory(heard.registry, fleet.taken_at)),
        (heard.prometheus, "no numbers"),
    ):
        if source.fault:
            yield f"! {_away(source)}; {consequence}"
    if heard.alerts is None and not heard.registry.fault:
        yield f"! alerts are not known: {heard.alerts_fault}"
    # Where it is not known whom they reach, nothing is said.
    if heard.receivers is not None and (said := unreached(heard.receivers)):
        yield f"! {said}, and `make up` again; docs/alerting.md"


def _away(source: Source) -> str:
    return f"{source.name} {source.url or ''}".rstrip() + f": {source.fault}"


def _old_inventory(registry: Source, now: datetime) -> str:
    if registry.as_of is None:
        return "status is not known"
    return f"status is of {wording.age((now - registry.as_of).total_seconds())} ago"


def _trouble(judged: Judged, title: str) -> Text:
    said = f"{MARKS[judged.level]:2} {title}: {', '.join(judged.troubles)}"
    return Text(said, style=STYLES[judged.level])


def _alert(alert: Alert, titles: Mapping[str, str], now: datetime) -> str:
    since = wording.age((now - alert.since).total_seconds())
    agent = titles.get(alert.agent_id or "", alert.agent)
    about = f" {agent}" if agent else ""
    return f"{MARKS[_severity(alert)]:2} {alert.name}{about}, for {since}: {alert.summary}"


def _severity(alert: Alert) -> Level:
    return Level.BAD if alert.severity == "critical" else Level.DOUBTFUL


def _disagreement(one: Disagreement, titles: Mapping[str, str]) -> str:
    agent = titles.get(one.agent_id) or one.name or one.agent_id
    # A newer registry may know more of them.
    said = _DISAGREEMENTS.get(one.kind) or one.kind.replace("_", " ")
    told = f": {', '.join(one.processes)}" if one.processes else ""
    return f"{MARKS[Level.DOUBTFUL]:2} {agent} {said}{told}"


def _restart(restart: Restart) -> Text:
    level = Level.BAD if restart.ready_at is None else Level.DOUBTFUL
    often = f", {restart.times} times" if restart.times > 1 else ""
    back = f"ready again {clock(restart.ready_at)}" if restart.ready_at else "not ready yet"
    said = (
        f"{clock(restart.died_at)} {restart.component} died ({restart.ended_with}){often}, {back}"
    )
    return Text(f"{MARKS[level]:2} {said}", style=STYLES[level])
