"""The thread that hears signals where no other thread of ours does."""

import threading
from contextlib import suppress
from typing import Final

from pulseguard.waiter import Tap, Waiter

# A daemon that closes all that it inherited leaves the wait as it is: so long, at most.
_SECONDS_BETWEEN_LOOKS: Final = 60.0


class Ear:
    """Listens at this tap, which it closes, until `end`."""

    def __init__(self, tap: Tap) -> None:
        self._waiter = Waiter(tap)
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="pulseguard-signals", daemon=True)

    def start(self) -> None:
        """Begin, in a thread of its own; RuntimeError where there can be none."""
        try:
            self._thread.start()
        except RuntimeError:
            self._waiter.close()
            raise

    def end(self, timeout_seconds: float = 0.0) -> None:
        """Listen no more, and wait so long for the thread to be gone."""
        self._ending = True
        self._waiter.hurry()
        if timeout_seconds and self._thread is not threading.current_thread():
            # Not started yet, where a handler came in between.
            with suppress(RuntimeError):
                self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while not self._ending:
            self._waiter.wait(_SECONDS_BETWEEN_LOOKS)
        self._waiter.close()
