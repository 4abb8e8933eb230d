"""`pulseguard agents`: list, show, retire, restore, and planned work."""

from __future__ import annotations

import argparse
import os
import sys
from argparse import Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from pulseguard_registry.durations import UNITS, read_duration
from pulseguard_registry.operating.named_agent import ONLY_RETIRED, find_agent
from pulseguard_registry.operating.reach import (
    CommandRefused,
    Document,
    Registry,
    add_flags,
    find_registry,
)
from pulseguard_registry.operating.terminal import (
    add_width,
    ago,
    run_verb,
    say,
    write_json,
    write_pairs,
    write_table,
)

FILTERS: Final = ("status", "environment", "team", "type", "tag", "name", "version", "text")
_HELP: Final = {
    "name": "those of this name only, the whole of it",
    "text": "those that have this in name, instance, description or host, in whatever case",
}
_COLUMNS: Final = ("name", "instance", "environment", "team", "status", "seen", "version", "id")
_RETIRED_COLUMNS: Final = tuple("retired" if name == "status" else name for name in _COLUMNS)
_TELLING: Final = ("id", "name", "status", "instance", "seen", "environment", "team", "version")
_RETIRED_TELLING: Final = tuple("retired" if name == "status" else name for name in _TELLING)
_LASTING: Final = f"like 45m, 1h30m or 1d; units, the largest first: {UNITS}; at most 30d"


def main(argv: Sequence[str]) -> int:
    """Run a verb; 0: done, 1: refused, 2: an unknown argument or a bad setting."""
    return run_verb("pulseguard agents", _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pulseguard agents", description="The inventory.")
    verbs = parser.add_subparsers(required=True, metavar="verb")
    listing = verbs.add_parser("list", help="the agents that were not retired, or those that were")
    listing.add_argument("--retired", action="store_true", help="those that were, and since when")
    for name in FILTERS:
        listing.add_argument(f"--{name}", help=_HELP.get(name, f"those of this {name} only"))
    add_width(listing)
    listing.set_defaults(run=_list)
    showing = verbs.add_parser("show", help="one agent, its status, and what does not fit")
    showing.set_defaults(run=_show)
    retiring = verbs.add_parser("retire", help="out of lists and discovery; end it before")
    retiring.set_defaults(run=_retire)
    restoring = verbs.add_parser("restore", help="bring a retired one back, as it was")
    restoring.set_defaults(run=_restore)
    planned = verbs.add_parser("maintenance", help="planned work, until a time")
    until = planned.add_mutually_exclusive_group(required=True)
    until.add_argument("--for", dest="lasting", metavar="TIME", help=_LASTING)
    until.add_argument("--until", metavar="MOMENT", help="2026-12-01T18:00:00+01:00")
    until.add_argument("--end", action="store_true", help="end it now")
    planned.add_argument("--reason", help="for others to read; that of before if left out")
    planned.set_defaults(run=_maintain)
    for verb in (showing, retiring, restoring, planned):
        verb.add_argument("agent", help="its id, or its name where only one has it")
    for verb in (listing, showing, retiring, restoring, planned):
        add_flags(verb)
        verb.add_argument("--json", action="store_true", help="JSON, for programs")
    return parser


def _list(given: Namespace) -> None:
    asked = {name: value for name in FILTERS if (value := getattr(given, name)) is not None}
    # These two are in capitals, whatever they are written in here.
    asked |= {name: asked[name].upper() for name in ("status", "type") if name in asked}
    which = ONLY_RETIRED if given.retired else {}
    agents = list(_registry(given).pages("/agents", **asked, **which))
    if given.json:
        write_json(agents)
    elif given.retired:
        none = "no retired agent is like that" if asked else "no agent is retired"
        _write(agents, _RETIRED_COLUMNS, none, telling=_RETIRED_TELLING, wide=given.wide)
    else:
        never = "no agent is registered: see exporters/README.md"
        none = "no agent is like that" if asked else never
        _write(agents, _COLUMNS, none, telling=_TELLING, wide=given.wide)


def _write(
    agents: Sequence[Document],
    columns: Sequence[str],
    nothing: str,
    *,
    telling: Sequence[str],
    wide: bool,
) -> None:
    rows = [[_cell(agent, column) for column in columns] for agent in agents]
    write_table(columns, rows, nothing, telling=telling, wide=wide)


def _cell(agent: Document, column: str) -> object:
    match column:
        case "status":
            return _status(agent)
        case "seen":
            return ago(agent["last_seen_at"])
        case "retired":
            return ago(agent["retired_at"])
        case _:
            return agent[column]


def _status(agent: Document) -> str:
    status, reason = str(agent["status"]), agent["status_reason"]
    # MAINTENANCE has one reason, its own name.
    return f"{status} ({reason})" if reason and reason.upper() != status else status


def _show(given: Namespace) -> None:
    registry = _registry(given)
    agent = find_agent(registry, given.agent)
    health = registry.get(f"/agents/{agent['id']}/health")
    if given.json:
        write_json({"agent": agent, "health": health})
        return
    told = {**agent, "status": _status(agent), "last_seen_at": ago(agent["last_seen_at"])}
    del told["status_reason"]
    score = health["health_score"]
    told["health_score"] = "unknown" if score is None else f"{score:.2f}"
    told["disagreements"] = health["disagreements"] or "none"
    if health["processes"]:
        told["processes"] = health["processes"]
    write_pairs((name.removesuffix("_at").replace("_", " "), value) for name, value in told.items())


def _retire(given: Namespace) -> None:
    registry = _registry(given)
    agent = find_agent(registry, given.agent)
    retired = registry.send("DELETE", f"/agents/{agent['id']}")
    _answer(given, retired, _once_retired(retired))


def _once_retired(agent: Document) -> str:
    """What the agent will do, and what is to be done."""
    restore = f"pulseguard agents restore {agent['id']}"
    if not agent["runs_on"]:
        return f"is retired; back with: {restore}"
    runs = f"is retired, but seems to run on (last heartbeat {ago(agent['last_seen_at'])})"
    if agent["back_by"] == "registering":
        return (
            f"{runs}: it registers by itself within seconds and is back. End its process, then"
            " retire it again"
        )
    return (
        f"{runs}: its own key has ended, so that it is refused from now on, and works on unseen."
        f" End its process; back with: {restore}"
    )


def _restore(given: Namespace) -> None:
    registry = _registry(given)
    agent = find_agent(registry, given.agent, retired=True)
    if agent["retired_at"] is None:
        _answer(given, agent, "is not retired: nothing was to be done")
        return
    restored = registry.send("POST", f"/agents/{agent['id']}/restore")
    enrol = (
        "; its own key ended when it was retired: while its process runs, it is enrolled again with"
        " the key of role enrolment that it was given, and needs a new one where that has ended"
    )
    _answer(given, restored, f"is back{enrol if restored['to_be_enrolled'] else ''}")


def _maintain(given: Namespace) -> None:
    registry = _registry(given)
    agent = find_agent(registry, given.agent)
    path = f"/agents/{agent['id']}/maintenance"
    if given.end:
        _end_maintenance(given, registry, agent, path)
        return
    until = given.until or _from_now(given.lasting)
    reason = {} if given.reason is None else {"reason": given.reason}
    registry.send("PUT", path, {"until": until, **reason})
    _tell(given, registry, agent, f"is under maintenance until {until}")


def _end_maintenance(given: Namespace, registry: Registry, agent: Document, path: str) -> None:
    registry.send("DELETE", path)
    after = registry.get(f"/agents/{agent['id']}")
    was = agent["status"] == "MAINTENANCE"
    said = "is under maintenance no more" if was else "was under no maintenance"
    _tell(given, registry, agent, f"{said}; its status is {_status(after)}")


def _tell(given: Namespace, registry: Registry, agent: Document, sentence: str) -> None:
    told = registry.get(f"/agents/{agent['id']}") if given.json else agent
    _answer(given, told, sentence)


def _answer(given: Namespace, agent: Document, sentence: str) -> None:
    if given.json:
        write_json(agent)
    else:
        say(f"{agent['name']} ({agent['instance']}, {agent['environment']}) {sentence}")


def _from_now(lasting: str) -> str:
    try:
        duration = read_duration(lasting)
        until = None if duration is None else datetime.now(UTC) + duration
    except OverflowError:
        raise CommandRefused(f"--for {lasting!r} is too long; give at most 30d") from None
    if until is None:
        raise CommandRefused(
            f"--for {lasting!r} is no time; give whole numbers with units, the largest first"
            f" ({UNITS}), like 45m, 1h30m or 1d, or a moment with --until"
        )
    return until.isoformat(timespec="seconds")


def _registry(given: Namespace) -> Registry:
    return find_registry(given.registry_url, given.key_file, os.environ)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
