"""`pulseguard alerts`: list, show, acknowledge, and test the way to people."""

from __future__ import annotations

import argparse
import os
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from typing import Final

from pulseguard_registry.operating.measured import told_snapshot
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

_FILTERS: Final = ("alertname", "severity", "agent_name", "environment", "team")
_COLUMNS: Final = ("alert", "severity", "about", "environment", "team", "began", "state", "id")
_TELLING: Final = ("id", "alert", "about", "began", "severity", "state", "environment", "team")
# Of a receiver, in other words than the API's.
_STATES: Final = {"took": "took it"}
_MOST: Final = 500
_ASKED_EVERY_SECONDS: Final = 1.0
_WAIT_SECONDS: Final = 45.0


def main(argv: Sequence[str]) -> int:
    """Run a verb; 0: done, 1: refused, or the test reached nobody, 2: an unknown argument or a bad
    setting."""
    return run_verb("pulseguard alerts", _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pulseguard alerts", description="Alerts, and whom they reach."
    )
    verbs = parser.add_subparsers(required=True, metavar="verb")
    listing = verbs.add_parser("list", help="what fires now, or the history")
    listing.add_argument("--all", action="store_true", help="the history, the newest first")
    listing.add_argument(
        "--limit", type=int, default=100, metavar="N", help=f"at most so many, {_MOST} at most"
    )
    for name in _FILTERS:
        flag = f"--{name.replace('_', '-')}"
        listing.add_argument(flag, help=f"those of this {name.replace('_', ' ')} only")
    listing.add_argument("--since", metavar="MOMENT", help="began then or later")
    listing.add_argument("--until", metavar="MOMENT", help="began before")
    seen = listing.add_mutually_exclusive_group()
    seen.add_argument("--acknowledged", action="store_const", const="true", help="those only")
    seen.add_argument(
        "--unacknowledged", dest="acknowledged", action="store_const", const="false", help="others"
    )
    add_width(listing)
    listing.set_defaults(run=_list)
    showing = verbs.add_parser("show", help="one entry, with the agent as it was")
    showing.set_defaults(run=_show)
    seeing = verbs.add_parser("ack", help="tell others that you have seen it; silences nothing")
    seeing.add_argument("--note", default="", help="for others to read")
    seeing.add_argument("--take-back", action="store_true", help="as if nobody had seen it")
    seeing.set_defaults(run=_acknowledge)
    for verb in (showing, seeing):
        verb.add_argument("id", type=int, help="as list shows it")
    testing = verbs.add_parser("test", help="send a marked alert, and say which receiver took it")
    testing.add_argument(
        "--wait",
        type=float,
        default=_WAIT_SECONDS,
        metavar="SECONDS",
        help="how long at most (%(default)g): people are told about 30 s later",
    )
    testing.set_defaults(run=_test)
    for verb in (listing, showing, seeing, testing):
        add_flags(verb)
        verb.add_argument("--json", action="store_true", help="JSON, for programs")
    return parser


def _list(given: Namespace) -> None:
    names = (*_FILTERS, "since", "until", "acknowledged")
    asked = {name: value for name in names if (value := getattr(given, name)) is not None}
    status = {} if given.all else {"status": "firing"}
    registry = _registry(given)
    page = registry.get("/alerts", **asked, **status, limit=str(given.limit))
    alerts = page["items"]
    if given.json:
        write_json(alerts)
        return
    nothing = "no alert is like that" if asked or given.all else "nothing fires"
    rows = [[_cell(alert, column) for column in _COLUMNS] for alert in alerts]
    write_table(_COLUMNS, rows, nothing, telling=_TELLING, wide=given.wide)
    if page["next_cursor"] is not None:
        say(f"there are more than {len(alerts)}: --limit or a filter")


def _cell(alert: Document, column: str) -> object:
    match column:
        case "alert":
            return alert["alertname"]
        case "about":
            return alert["agent_name"]
        case "began":
            return ago(alert["starts_at"])
        case "state":
            return _state(alert)
        case _:
            return alert[column]


def _state(alert: Document) -> str:
    state = "firing" if alert["fires"] else alert["status"]
    if alert["status"] == "firing" and not alert["fires"]:
        state = "over"
    seen = alert["acknowledged"]
    return state if seen is None else f"{state} (seen by {seen['by']})"


def _show(given: Namespace) -> None:
    alert = _registry(given).get(f"/alerts/{given.id}")
    if given.json:
        write_json(alert)
    else:
        write_pairs(_told(alert))


def _told(alert: Document) -> Iterator[tuple[str, object]]:
    yield "alert", alert["alertname"]
    yield "severity", alert["severity"]
    yield "state", _state(alert)
    yield "began", f"{ago(alert['starts_at'])} ({alert['starts_at']})"
    if alert["ends_at"] is not None:
        yield "ended", f"{ago(alert['ends_at'])} ({alert['ends_at']})"
    yield from alert["annotations"].items()
    if (seen := alert["acknowledged"]) is not None:
        yield "seen", f"by {seen['by']} {ago(seen['at'])}: {seen['note'] or 'no note'}"
    if (then := alert["agent_then"]) is not None:
        yield "agent then", f"{alert['agent_name']}, version {then['version']}, {then['status']}"
        snapshot = then["snapshot"]
        yield "snapshot then", "none" if snapshot is None else ""
        yield from ((f"  {name}", text) for name, text in told_snapshot(snapshot or {}))
    yield "labels", alert["labels"]


def _acknowledge(given: Namespace) -> None:
    registry = _registry(given)
    path = f"/alerts/{given.id}/ack"
    if given.take_back:
        registry.send("DELETE", path)
        alert = registry.get(f"/alerts/{given.id}")
    else:
        alert = registry.send("POST", path, {"note": given.note})
    if given.json:
        write_json(alert)
        return
    seen = alert["acknowledged"]
    said = "is acknowledged by nobody" if seen is None else f"is acknowledged by {seen['by']}"
    say(f"{alert['alertname']} {alert['agent_name']}".rstrip() + f" {said}; it goes on notifying")


def _test(given: Namespace) -> None:
    registry = _registry(given)
    sent = registry.send("POST", "/alerts/test")
    if sent["test_id"] is None:
        raise CommandRefused(sent["sentence"])
    result = _once_known(registry, str(sent["test_id"]), given.wait)
    if given.json:
        write_json(result)
    else:
        for each in result["receivers"]:
            state = _STATES.get(each["state"], each["state"])
            say(f"{each['receiver']}: {state}. {each['sentence']}")
    if result["reached"] is not True:
        raise CommandRefused(
            f"the test alert is not known to have reached anybody. {result['sentence']}"
        )


def _once_known(registry: Registry, test_id: str, seconds: float) -> Document:
    """What became of it, as soon as no receiver is waited for any more, or the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        result = registry.get("/alerts/test", test_id=test_id)
        # Before Alertmanager has routed it, only the registry is there to be waited for.
        waits = any(each["state"] == "waiting" for each in result["receivers"])
        if not waits or time.monotonic() > deadline:
            return result
        time.sleep(_ASKED_EVERY_SECONDS)


def _registry(given: Namespace) -> Registry:
    return find_registry(given.registry_url, given.key_file, os.environ)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
