"""What has died in this machine's stack and is back or not, read from the end of runner.log."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

RECENT_SECONDS: Final = 600
# Some two thousand lines; ten components that die without end write fewer in that time.
_TAIL_BYTES: Final = 256 * 1024

# Only these words are taken from the log, so nothing else that stands in it reaches a terminal.
_LINE: Final = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) "
    r"(?:(?P<component>[a-z][a-z0-9-]{0,39}) +"
    r"(?:died \((?P<end>[A-Za-z]\w{0,19} ?\d{0,5})\) and starts again|(?P<ready>ready) after )"
    r"|(?P<over>PulseGuard has stopped|ended \d+ processes))",
    re.ASCII,
)


@dataclass(frozen=True)
class Restart:
    """The deaths of one component in the last minutes, told by the last of them."""

    component: str
    died_at: datetime
    # The name of the signal that ended it, or "status 1".
    ended_with: str
    times: int = 1
    # None while it is not ready again.
    ready_at: datetime | None = None


def read_restarts(log: Path, now: datetime) -> Sequence[Restart] | None:
    """What died within the last 10 minutes of the run; None where the log cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(max(file.seek(0, 2) - _TAIL_BYTES, 0))
            tail = file.read(_TAIL_BYTES)
    except OSError:
        return None
    return restarts_in(tail.decode(errors="replace"), now)


def restarts_in(text: str, now: datetime) -> Sequence[Restart]:
    """What the lines of the log say: what is not back yet first, then the newest first.

    A line that says something else is passed over.
    """
    found: dict[str, Restart] = {}
    recent = timedelta(seconds=RECENT_SECONDS)
    for line in text.split("\n"):
        said = _LINE.match(line)
        at = _time(said["at"]) if said else None
        if said is None or at is None or abs(now - at) > recent:
            continue
        if said["over"]:
            # What was before belongs to an earlier run.
            found.clear()
        elif said["end"]:
            found[said["component"]] = _after_death(found.get(said["component"]), said, at)
        elif said["component"] in found:
            found[said["component"]] = replace(found[said["component"]], ready_at=at)
    newest_first = sorted(found.values(), key=lambda one: one.died_at, reverse=True)
    return sorted(newest_first, key=lambda one: one.ready_at is not None)


def _after_death(before: Restart | None, said: re.Match[str], at: datetime) -> Restart:
    return Restart(said["component"], at, said["end"], before.times + 1 if before else 1)


def _time(text: str) -> datetime | None:
    try:
        # The runner writes the time of this machine, without its offset.
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):
        return None
