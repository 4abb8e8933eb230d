"""Waits that anybody may cut short, and that hear of signals meanwhile."""

import os
import selectors
import socket
import threading
import time
from contextlib import suppress
from typing import Final, Protocol

from pulseguard.ending import seconds_until

_MOST_BYTES: Final = 4096


class Tap(Protocol):
    """Becomes readable when a signal comes."""

    def fileno(self) -> int: ...
    def hear(self) -> None: ...
    def close(self) -> None: ...
    def detach(self) -> int: ...


class Waiter:
    """For one thread, which waits and closes it, and the tap; any other may hurry it.

    A daemon closes all that it inherited: from then on it hears no signals, but goes on.
    """

    def __init__(self, tap: Tap | None) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._identity = identity(self._writer.fileno())
        self._tap = tap
        self._selector = selectors.DefaultSelector()
        for readable in (self._reader, tap):
            if readable is not None:
                self._selector.register(readable, selectors.EVENT_READ)
        self._hurried = threading.Event()

    def wait(self, seconds: float) -> None:
        """For so long, or until hurried, which may have been since the last time."""
        until = time.monotonic() + seconds
        if not self._has_waited(until):
            self._hurried.wait(seconds_until(until))
        self._hurried.clear()

    def hurry(self) -> None:
        """Have it wait no longer; where it does not wait, not the next time."""
        self._hurried.set()
        # Full, it has been hurried; closed, it waits no more.
        with suppress(OSError):
            if self._is_whole():
                self._writer.send(b"x")

    def close(self) -> None:
        """Close what is its own, or what a forked child has inherited."""
        is_whole = self._is_whole()
        for each in (self._reader, self._writer, self._tap):
            if each is not None:
                each.close() if is_whole else each.detach()
        if is_whole:
            self._selector.close()
        else:
            _closed_by_others.append(self._selector)

    def _has_waited(self, deadline: float) -> bool:
        with suppress(OSError):
            while self._is_whole():
                if self._is_over(deadline):
                    return True
        return False

    def _is_over(self, deadline: float) -> bool:
        """Whether the wait is over, after the first thing that happens."""
        ready = [key.fileobj for key, _ in self._selector.select(seconds_until(deadline))]
        if not self._is_whole():
            return False
        if self._reader in ready:
            # What else has come is left to whoever listens next.
            self._reader.recv(_MOST_BYTES)
            return True
        if self._tap is not None and self._tap in ready:
            self._tap.hear()
        return not seconds_until(deadline)

    def _is_whole(self) -> bool:
        try:
            return identity(self._writer.fileno()) == self._identity
        except OSError:
            return False


def identity(descriptor: int) -> tuple[int, int]:
    """What a stranger under the same number has another of; OSError where nothing is open."""
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


# Kept: with the last reference Python would close what a daemon has since opened instead. It has
# no way to let go of one, as sockets have.
_closed_by_others: list[selectors.BaseSelector] = []
