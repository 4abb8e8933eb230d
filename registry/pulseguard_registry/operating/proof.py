"""Waits for the proof that rules are loaded, tells it, and ends with a status that says so."""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from typing import Any, Final

from pulseguard_registry.durations import read_duration
from pulseguard_registry.operating.reach import CommandRefused, Document
from pulseguard_registry.operating.terminal import say

# Of a command whose change is stored, and not loaded: rejected, or not proven in the time given.
NOT_LOADED: Final = 4
# What the answer itself may take, beside the time that is waited.
_ANSWER_SECONDS: Final = 10.0


def add_wait(parser: argparse.ArgumentParser) -> None:
    """The flag of a verb that may wait for the proof."""
    parser.add_argument(
        "--wait",
        metavar="TIME",
        help=f"until each Prometheus has loaded it, at most 30s; ends with {NOT_LOADED} if not",
    )


# Any: the options of Registry.send.
def asked_to_wait(given: Namespace, **query: str) -> dict[str, Any]:
    """How a write is sent: with what else it says, and how long to wait for its proof."""
    said = {name: value for name, value in query.items() if value}
    if given.wait is None:
        return {"query": said}
    try:
        lasting = read_duration(given.wait)
    except OverflowError:
        lasting = None
    if lasting is None:
        raise CommandRefused(f"--wait {given.wait!r} is no time; give one like 10s, at most 30s")
    seconds = lasting.total_seconds() + _ANSWER_SECONDS
    return {"query": said | {"wait": given.wait}, "seconds": seconds}


def write_sync(group: Document) -> None:
    """What each Prometheus has of a group, a line each."""
    for one in group["sync"]:
        reason = f": {one['reason']}" if one["reason"] else ""
        has = "" if one["state"] == "loaded" else f" (it has {_revision(one['revision'])})"
        say(f"  {one['prometheus']}: {one['state']}{has}{reason}")
    if not group["sync"]:
        say("  no Prometheus tells what it has loaded; see pulseguard sync --rules-dir")


def end_unless_loaded(given: Namespace, state: str) -> None:
    """End with a status of its own where Prometheus has rejected it, or has not shown it in the
    time that it was given."""
    if state == "rejected" or (state == "pending" and given.wait is not None):
        sys.exit(NOT_LOADED)


def _revision(number: int | None) -> str:
    return "none" if number is None else f"revision {number}"
