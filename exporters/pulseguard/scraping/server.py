"""Serves /metrics from one daemon thread, however many connections stay half open."""

import errno
import math
import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from pulseguard import early_signals
from pulseguard.guard import Guard
from pulseguard.scraping.answer import Answer, refusal

MOST_CONNECTIONS: Final = 64
SECONDS_PER_CONNECTION: Final = 10.0

_SECONDS_AFTER_FAILURE: Final = 0.1
# Where nobody comes: who has no registry has no other thread that tells what was held back.
_SECONDS_BETWEEN_TURNS: Final = 60.0
_SECONDS_BETWEEN_ATTEMPTS: Final = 0.02
# Where it overflows, the kernel drops who comes, who asks again after a second: room for two crowds
# of 500, which all have had their time to ask within 0.8 s.
_BACKLOG: Final = 1_024
# However many others come: they wait in the kernel's queue, at no cost to the agent.
_SECONDS_TO_ASK: Final = 0.05
_LONGEST_HEAD: Final = 16_384
_END_OF_HEAD: Final = b"\r\n\r\n"


class _Connection:
    """One client: what it has sent, and what it has yet to get."""

    def __init__(self, client: socket.socket, now: float) -> None:
        self.client = client
        self.deadline = now + SECONDS_PER_CONNECTION
        self.stays_until = now + _SECONDS_TO_ASK
        self.received = bytearray()
        self.unsent: memoryview | None = None
        self.changes: int | None = None


class ScrapeServer:
    """A small HTTP server for one page.

    No connection has a thread of its own or more than `SECONDS_PER_CONNECTION`. Where there would
    be more than `MOST_CONNECTIONS`, the oldest that has not asked for anything is closed, once it
    has had `_SECONDS_TO_ASK`: so a scrape gets through, and one under way goes on.
    """

    def __init__(self, host: str, port: int, answer: Callable[[bytes], Answer], guard: Guard):
        """Bind; OSError where the address cannot be had."""
        self._answer = answer
        self._guard = guard
        self._listener = _listen(host, port)
        self.port: int = self._listener.getsockname()[1]
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._signals: early_signals.Tap | None = None
        self._selector = selectors.DefaultSelector()
        self._connections: dict[socket.socket, _Connection] = {}
        # While nobody is accepted: when there will be room.
        self._full_until: float | None = None
        self._closing = False
        self._scraped = threading.Condition()
        self._served_changes = -1
        self._thread = threading.Thread(target=self._run, name="pulseguard-metrics", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wake_reader, selectors.EVENT_READ)
        self._signals = early_signals.open_tap()
        if self._signals is not None:
            self._selector.register(self._signals, selectors.EVENT_READ)
        self._thread.start()

    def close(self, timeout_seconds: float) -> None:
        """Stop answering and free the port, which a scrape under way may keep beyond this time."""
        self._closing = True
        # Awake already, by a connection, the thread may have seen it and closed this socket.
        with suppress(OSError):
            self._wake_writer.send(b"x")
        self._thread.join(timeout_seconds)

    def let_go(self) -> None:
        """Close what a forked child has inherited; the server itself notices nothing."""
        for client in self._connections:
            client.close()
        self._close_own()

    def wait_until_served(self, changes: int, timeout_seconds: float) -> bool:
        """Whether these changes were scraped completely before the time is over."""
        with self._scraped:
            return self._scraped.wait_for(lambda: self._served_changes >= changes, timeout_seconds)

    def _run(self) -> None:
        while not self._closing:
            if not self._guard.attempt("serve /metrics", False, self._turn):
                # Out of descriptors, most likely: the same again at once would only burn CPU.
                time.sleep(_SECONDS_AFTER_FAILURE)
            self._guard.settle()
        for connection in list(self._connections.values()):
            self._drop(connection)
        self._close_own()

    def _close_own(self) -> None:
        for open_socket in (self._listener, self._wake_reader, self._wake_writer, self._signals):
            if open_socket is not None:
                open_socket.close()
        self._selector.close()

    def _turn(self) -> bool:
        for key, _ in self._selector.select(self._patience()):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj is self._wake_reader:
                self._wake_reader.recv(1)
            elif isinstance(key.fileobj, early_signals.Tap):
                key.fileobj.hear()
            elif isinstance(key.data, _Connection) and key.fileobj in self._connections:
                self._serve(key.data)
        now = time.monotonic()
        for connection in list(self._connections.values()):
            if now >= connection.deadline:
                self._drop(connection)
        if self._full_until is not None and (now >= self._full_until or not self._is_full):
            self._full_until = None
            self._selector.register(self._listener, selectors.EVENT_READ)
        return True

    def _patience(self) -> float:
        """Until the oldest connection has had its time or there is room; without one, a minute."""
        oldest = next(iter(self._connections.values()), None)
        if oldest is None:
            return _SECONDS_BETWEEN_TURNS
        return max(min(oldest.deadline, self._full_until or math.inf) - time.monotonic(), 0)

    @property
    def _is_full(self) -> bool:
        return len(self._connections) >= MOST_CONNECTIONS

    def _accept(self) -> None:
        least_missed = self._least_missed() if self._is_full else None
        if least_missed is not None and time.monotonic() < least_missed.stays_until:
            self._full_until = least_missed.stays_until
            self._selector.unregister(self._listener)
            return
        try:
            client, _ = self._listener.accept()
        except BlockingIOError:
            return
        if least_missed is not None:
            self._drop(least_missed)
        client.setblocking(False)
        connection = _Connection(client, time.monotonic())
        self._connections[client] = connection
        self._selector.register(client, selectors.EVENT_READ, connection)

    def _least_missed(self) -> _Connection:
        """The oldest that has not asked yet; where all have, the oldest of them."""
        oldest_first = self._connections.values()
        silent = (each for each in oldest_first if each.unsent is None)
        return next(silent, None) or next(iter(oldest_first))

    def _serve(self, connection: _Connection) -> None:
        try:
            if connection.unsent is None:
                self._receive(connection)
            else:
                self._send(connection)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._drop(connection)

    def _receive(self, connection: _Connection) -> None:
        data = connection.client.recv(_LONGEST_HEAD)
        if not data:
            self._drop(connection)
            return
        connection.received += data
        head, end, _ = bytes(connection.received).partition(_END_OF_HEAD)
        if end:
            failed = Answer(refusal(HTTPStatus.INTERNAL_SERVER_ERROR))
            answer = self._guard.attempt("answer a scrape", failed, self._answer, head)
            connection.changes = answer.changes
            self._begin_to_send(connection, answer.content)
        elif len(connection.received) > _LONGEST_HEAD:
            self._begin_to_send(connection, refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))

    def _begin_to_send(self, connection: _Connection, content: bytes) -> None:
        connection.unsent = memoryview(content)
        self._selector.modify(connection.client, selectors.EVENT_WRITE, connection)
        self._send(connection)

    def _send(self, connection: _Connection) -> None:
        assert connection.unsent is not None
        sent = connection.client.send(connection.unsent)
        connection.unsent = connection.unsent[sent:]
        if connection.unsent:
            return
        if connection.changes is not None:
            self._note_served(connection.changes)
        self._drop(connection)

    def _note_served(self, changes: int) -> None:
        with self._scraped:
            self._served_changes = max(self._served_changes, changes)
            self._scraped.notify_all()

    def _drop(self, connection: _Connection) -> None:
        self._connections.pop(connection.client, None)
        self._selector.unregister(connection.client)
        connection.client.close()


def bind(
    host: str,
    port: int,
    answer: Callable[[bytes], Answer],
    guard: Guard,
    is_over: Callable[[], bool],
) -> tuple[ScrapeServer, bool]:
    """A server on that port, and whether it was taken: then it is on any free one.

    Until `is_over` it is tried again and again.
    """
    while True:
        try:
            return ScrapeServer(host, port, answer, guard), False
        except OSError as error:
            if error.errno != errno.EADDRINUSE or port == 0:
                raise
        if is_over():
            return ScrapeServer(host, 0, answer, guard), True
        time.sleep(_SECONDS_BETWEEN_ATTEMPTS)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=_BACKLOG)
