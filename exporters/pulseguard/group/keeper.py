"""The thread that hands in a process's numbers, and takes the lead when the leader has died."""

import threading
from collections.abc import Callable
from typing import Final

from pulseguard import early_signals
from pulseguard.guard import Guard
from pulseguard.waiter import Waiter

SECONDS_BETWEEN_TURNS: Final = 1.0


class Keeper:
    """Takes a turn each second until `stop`."""

    def __init__(self, turn: Callable[[], None], guard: Guard, first_after: float) -> None:
        self._turn = turn
        self._guard = guard
        self._first_after = first_after
        self.stopping = False
        self._waiter = Waiter(early_signals.open_tap())
        self._thread = threading.Thread(target=self._run, name="pulseguard-group", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own."""
        self._thread.start()

    def hurry(self) -> None:
        """Take the next turn at once."""
        self._waiter.hurry()

    def stop(self, timeout_seconds: float) -> None:
        """Take no more turns."""
        self.stopping = True
        self._waiter.hurry()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout_seconds)

    def let_go(self) -> None:
        """Close what a forked child has inherited; there it has no thread."""
        self._waiter.close()

    def _run(self) -> None:
        self._waiter.wait(self._first_after)
        while not self.stopping:
            self._guard.attempt("keep the group", None, self._take_turn)
            # Here too: who follows has no other thread.
            self._guard.settle()
            self._waiter.wait(SECONDS_BETWEEN_TURNS)
        self._waiter.close()

    def _take_turn(self) -> None:
        try:
            self._turn()
        except OSError:
            # An end that was short of time has closed the folder meanwhile.
            if not self.stopping:
                raise
