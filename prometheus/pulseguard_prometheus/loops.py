"""The loops of sync as its watchdog sees them: whether each still turns."""

import threading
from collections.abc import Callable
from typing import Final

from pulseguard.watchdog import Watchdog, Watched, looks_in
from pulseguard_prometheus.turns import LOOK_SECONDS, Turns

# For all that a loop does without noting how long it may take: to read and write a file, to work
# out what is in it. Everything else has a deadline of its own.
UNTIMED_SECONDS: Final = 20.0
# After which all is well though a first turn still goes on, as that of very many new rules.
FIRST_TURN_SECONDS: Final = 60.0


class Loops:
    """All loops of one sync."""

    def __init__(self) -> None:
        self._watched: list[Watched] = []
        self._turns: list[Turns] = []
        self._looks_until_well = looks_in(FIRST_TURN_SECONDS, LOOK_SECONDS)

    def begin(self, name: str) -> Turns:
        """Answers what a loop tells of itself from now on."""
        turns = Turns()
        self._turns.append(turns)
        self._watched.append(
            Watched(
                f"the loop of {name} has not turned",
                turns.go_on,
                looks=looks_in(UNTIMED_SECONDS, LOOK_SECONDS),
            )
        )
        return turns

    def run(self, name: str, loop: Callable[[], None]) -> None:
        """Runs a loop in a daemon thread of its own, which is not to end."""
        thread = threading.Thread(target=loop, name=name, daemon=True)
        thread.start()
        self._watched.append(Watched(f"the thread of {name} has not run", thread.is_alive, looks=1))

    def watchdog(self, *, is_armed: bool, all_is_well: Callable[[], None]) -> Watchdog:
        """Answers what looks after all that was begun so far, not started yet; all is well once
        each loop has turned."""

        def none_hangs() -> None:
            self._looks_until_well -= 1
            if self._looks_until_well <= 0 or all(each.has_turned for each in self._turns):
                all_is_well()

        return Watchdog(
            self._watched,
            period_seconds=LOOK_SECONDS,
            is_armed=is_armed,
            all_is_well=none_hangs,
        )
