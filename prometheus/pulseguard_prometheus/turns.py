"""What a loop of sync tells of itself while it turns, so that a hang can be told from long work."""

import time
from typing import Final, Protocol

from pulseguard.watchdog import looks_in

LOOK_SECONDS: Final = 2.0


class Note(Protocol):
    """What a loop calls before each step that may take long, and after it."""

    def __call__(self, longest_seconds: float = 0.0) -> None:
        """The loop goes on, with something that by its own deadlines takes so long at most."""


def unwatched(longest_seconds: float = 0.0) -> None:
    """The note of what nobody watches."""


class Turns:
    """The turns of one loop."""

    def __init__(self) -> None:
        self.has_turned = False
        # How many there were, and how many looks the last one may take: as one, for another thread.
        self._noted = 0, 0
        self._seen = 0
        self._left = 0

    def note(self, longest_seconds: float = 0.0) -> None:
        """As of Note."""
        looks = looks_in(longest_seconds, LOOK_SECONDS) if longest_seconds else 0
        self._noted = self._noted[0] + 1, looks

    def rest(self, seconds: float) -> None:
        """Sleeps after a turn, which may have ended in trouble, until the next one."""
        self.has_turned = True
        self.note(seconds)
        time.sleep(seconds)

    def go_on(self) -> bool:
        """Whether anything was noted since this was asked last, or may still take its time."""
        number, looks = self._noted
        if number != self._seen:
            self._seen, self._left = number, looks
            return True
        self._left -= 1
        return self._left >= 0
