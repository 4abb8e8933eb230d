"""The loops of sync as its watchdog sees them: whether each still turns."""

import threading
from collections.abc import Callable
from typing import Final

from pulseguard.watchdog import Watchdog, Watched, looks_in

LOOK_SECONDS: Final = 2.0
# What a turn may take on top of the deadlines of what it calls: a resolver that asks every server
# for every search domain, a disk that syncs, a machine that swaps.
UNTIMED_SECONDS: Final = 300.0

Note = Callable[[], None]


class Loops:
    """All loops of one sync."""

    def __init__(self) -> None:
        self._watched: list[Watched] = []

    def begin(self, name: str, *, longest_seconds: float) -> Note:
        """Answers what a loop is to call at each turn; by its own deadlines, one call follows the
        other after this time at the latest."""
        turns = _Turns()
        self._watched.append(
            Watched(
                f"the loop of {name} has not turned",
                turns.were_noted,
                looks=looks_in(longest_seconds + UNTIMED_SECONDS, LOOK_SECONDS),
            )
        )
        return turns.note

    def run(self, name: str, loop: Callable[[], None]) -> None:
        """Runs a loop in a daemon thread of its own, which is not to end."""
        thread = threading.Thread(target=loop, name=name, daemon=True)
        thread.start()
        self._watched.append(Watched(f"the thread of {name} has not run", thread.is_alive, looks=1))

    def watchdog(self, *, is_armed: bool, all_is_well: Callable[[], None]) -> Watchdog:
        """Answers what looks after all that was begun so far, not started yet."""
        return Watchdog(
            self._watched,
            period_seconds=LOOK_SECONDS,
            is_armed=is_armed,
            all_is_well=all_is_well,
        )


class _Turns:
    def __init__(self) -> None:
        self._noted = 0
        self._seen = 0

    def note(self) -> None:
        self._noted += 1

    def were_noted(self) -> bool:
        """Whether there was any since this was asked last."""
        before, self._seen = self._seen, self._noted
        return self._seen != before
