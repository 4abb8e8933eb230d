"""What a leader leaves to whoever takes over: its port, and what it has told the registry."""

import json
from datetime import datetime
from typing import Any, NamedTuple

from pulseguard.identity import Heard
from pulseguard.reporting.snapshots import MOST_WAITING, Interval, Timeline, Waiting
from pulseguard.reporting.totals import Distribution, Totals


class Ledger(NamedTuple):
    """`timeline` goes on where the last leader cut; `waiting` is what it may not have got through.

    Sent again, an interval is the same as it was: the registry counts it once. `heard` is who beat
    last, where somebody did: in that name the last word may be said.
    """

    port: int | None
    timeline: Timeline
    waiting: tuple[Interval, ...]
    heard: Heard | None


def encode(port: int | None, timeline: Timeline, waiting: Waiting, heard: Heard | None) -> bytes:
    """The file's content."""
    totals, taken_at, monotonic = timeline.position
    document = {
        "port": port,
        "taken_at": taken_at.isoformat(),
        "monotonic": monotonic,
        "totals": _plain(totals),
        "waiting": [
            (interval.taken_at.isoformat(), interval.seconds, _plain(interval.totals))
            for interval in waiting.oldest(MOST_WAITING)
        ],
        "heard": heard,
    }
    return json.dumps(document).encode()


def decode(content: bytes) -> Ledger:
    """What the content says; ValueError where it says nothing of the kind."""
    try:
        document = json.loads(content)
        taken_at = datetime.fromisoformat(document["taken_at"])
        timeline = Timeline(_totals(document["totals"]), taken_at, document["monotonic"])
        waiting = tuple(
            Interval(datetime.fromisoformat(at), seconds, _totals(totals))
            for at, seconds, totals in document["waiting"]
        )
        # An earlier version leaves no such word.
        heard = document.get("heard")
        return Ledger(document["port"], timeline, waiting, Heard(*heard) if heard else None)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a leader's ledger") from error


def _plain(totals: Totals) -> dict[str, object]:
    return {
        name: value._asdict() if isinstance(value, Distribution) else value
        for name, value in totals._asdict().items()
    }


# What JSON gives back has no type that could be written down; `decode` minds the consequences.
def _totals(found: Any) -> Totals:
    return Totals(**{name: _value(value) for name, value in found.items()})


def _value(found: Any) -> Any:
    if isinstance(found, dict):
        return Distribution(tuple(found["bounds"]), tuple(found["counts"]), found["total"])
    return tuple(found) if isinstance(found, list) else found
