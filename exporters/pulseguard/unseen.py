"""Agents that have recorded and were never started: at the end of the process a line says so.

Who is strict is under test, where nobody wants to be seen.
"""

import atexit
import os
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from pulseguard.guard import LOGGER

if TYPE_CHECKING:
    from pulseguard.exporter import Exporter
    from pulseguard.recording.recorder import Recorder

# Whoever makes an agent for each request makes the same mistake each time.
_MOST_TOLD: Final = 5

# Those that are there, by the id of their exporter, and the names of those that are gone: the
# garbage collector takes them anywhere, where nothing may be logged.
_never_started: dict[int, tuple[str, "Recorder"]] = {}
_gone: dict[str, None] = {}
_hooks_set = False


def expect_start(exporter: "Exporter", name: str, recorder: "Recorder") -> None:
    """It was made, and is of no use until it is started."""
    global _hooks_set
    if not _hooks_set:
        _hooks_set = True
        atexit.register(tell_of_unseen)
        os.register_at_fork(after_in_child=_gone.clear)
    _never_started[id(exporter)] = name, recorder
    weakref.finalize(exporter, _let_go, id(exporter)).atexit = False


def note_started(exporter: "Exporter") -> None:
    """From now on somebody can see what it records, and what it has recorded before."""
    _never_started.pop(id(exporter), None)


def tell_of_unseen() -> None:
    """Say of each that has recorded something that nobody saw it; once."""
    for number in tuple(_never_started):
        _let_go(number)
    for name in tuple(_gone):
        # A handler of the agent's that fails is not the agent's failure either.
        with suppress(Exception):
            LOGGER.warning(
                "the agent %s has recorded something that nobody could see: it was never started; "
                "call agent.start()",
                name,
            )
    _gone.clear()


def _let_go(number: int) -> None:
    found = _never_started.pop(number, None)
    if found is not None and len(_gone) < _MOST_TOLD and _has_told(found[1]):
        _gone[found[0]] = None


def _has_told(recorder: "Recorder") -> bool:
    """Whether it would have shown anything; a queue is not asked, which might take its time."""
    queue = recorder.queue
    told = bool(queue._told.readings()) or queue._watched is not None
    return told or recorder.has_recorded
