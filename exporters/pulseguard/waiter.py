"""Waits that anybody may cut short, and that hear of signals meanwhile."""

import selectors
import socket
import threading
import time
from contextlib import suppress
from typing import Final

from pulseguard import early_signals
from pulseguard.ending import seconds_until

_MOST_BYTES: Final = 4096


class Waiter:
    """For one thread, which waits and closes it; any other may hurry it."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._signals = early_signals.open_tap()
        self._selector = selectors.DefaultSelector()
        for readable in (self._reader, self._signals):
            if readable is not None:
                self._selector.register(readable, selectors.EVENT_READ)
        self._hurried = threading.Event()
        self._is_whole = True

    def wait(self, seconds: float) -> None:
        """For so long, or until hurried, which may have been since the last time."""
        until = time.monotonic() + seconds
        try:
            while not self._is_over(until):
                pass
        except OSError:
            # A daemon has closed all that it inherited: it hears no signals, but goes on.
            self._is_whole = False
            self._hurried.wait(seconds_until(until))
        self._hurried.clear()

    def hurry(self) -> None:
        """Have it wait no longer; where it does not wait, not the next time."""
        self._hurried.set()
        # Full, it has been hurried; closed, it waits no more.
        with suppress(OSError):
            self._writer.send(b"x")

    def close(self) -> None:
        """Close what is its own, or what a forked child has inherited."""
        # What a daemon has since opened may have the same numbers.
        if self._is_whole:
            for each in (self._reader, self._writer, self._signals, self._selector):
                if each is not None:
                    each.close()

    def _is_over(self, deadline: float) -> bool:
        """Whether the wait is over, after the first thing that happens."""
        ready = [key.fileobj for key, _ in self._selector.select(seconds_until(deadline))]
        if self._signals is not None and self._signals in ready:
            early_signals.hear(self._signals)
        if self._reader in ready:
            self._reader.recv(_MOST_BYTES)
            return True
        return not seconds_until(deadline)
