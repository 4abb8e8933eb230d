"""One kept connection over HTTP, on which no exchange outlasts its deadline."""

import http.client
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Final

from pulseguard_prometheus.opening import Opening
from pulseguard_prometheus.settings import ServerAddress
from pulseguard_prometheus.turns import Note, unwatched

# An answer may take longer.
CONNECT_TIMEOUT_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Response:
    """What a server said, whatever its status."""

    status: int
    content_type: str
    etag: str | None
    body: bytes
    missing_bytes: int | None


class KeptConnection:
    """One kept connection to a server, opened again where it broke; `note` is told how long an
    exchange may take."""

    def __init__(
        self, address: ServerAddress, *, timeout_seconds: float, note: Note = unwatched
    ) -> None:
        self._address = address
        self._timeout_seconds = timeout_seconds
        self._connect_seconds = min(timeout_seconds, CONNECT_TIMEOUT_SECONDS)
        self._note = note
        self._connection = self._closed_connection()
        self._opening: Opening | None = None

    def exchange(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        limit_bytes: int,
    ) -> Response:
        """Answers what the server says, of its body at most one byte more than the limit.

        A request may arrive twice, so it has to be one that does no harm then. Raises OSError or
        HTTPException after at most the time-out, for connecting and for each of the two.
        """
        self._note(self._connect_seconds + 2 * self._timeout_seconds)
        try:
            return self._exchange(method, path, headers, body, limit_bytes)
        finally:
            self._note()

    def close(self) -> None:
        """Closes the connection; the next question opens it again."""
        self._connection.close()

    def _exchange(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
        limit_bytes: int,
    ) -> Response:
        kept = self._connection.sock is not None
        request = (method, self._address.path + path, body, dict(headers))
        try:
            return self._exchange_once(request, limit_bytes)
        except (ConnectionError, http.client.BadStatusLine):
            # A server may close a kept connection at any moment; that says nothing about it yet.
            if not kept:
                raise
            return self._exchange_once(request, limit_bytes)

    def _exchange_once(
        self, request: tuple[str, str, bytes | None, dict[str, str]], limit_bytes: int
    ) -> Response:
        unread = True
        try:
            if self._connection.sock is None:
                self._connection = self._opened_connection()
            with self._deadline():
                self._connection.request(*request)
                # Closed also where it was not read whole: where the server does not keep the
                # connection, nobody else has its socket.
                with self._connection.getresponse() as answer:
                    response = _read(answer, limit_bytes)
            unread = bool(response.missing_bytes) or len(response.body) > limit_bytes
            return response
        finally:
            if unread:
                self._connection.close()

    def _opened_connection(self) -> http.client.HTTPConnection:
        # One at a time: where names are looked up for ever, no heap of threads comes of it.
        if self._opening is None:
            self._opening = Opening(self._closed_connection())
        try:
            connection = self._opening.connection(self._connect_seconds)
            connection.sock.settimeout(self._timeout_seconds)
            return connection
        finally:
            if not self._opening.goes_on:
                self._opening = None

    def _closed_connection(self) -> http.client.HTTPConnection:
        host, port, timeout = self._address.host, self._address.port, self._connect_seconds
        if self._address.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=timeout)
        return http.client.HTTPConnection(host, port, timeout=timeout)

    @contextmanager
    def _deadline(self) -> Iterator[None]:
        """Ends an exchange that drips: a socket's own time-out starts anew with each byte."""
        passed = threading.Event()

        def end(connected: socket.socket) -> None:
            passed.set()
            # Not SSLSocket.shutdown, which forgets its session under the reader's feet.
            with suppress(OSError):
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

        timer = threading.Timer(self._timeout_seconds, end, [self._connection.sock])
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, http.client.HTTPException) as problem:
            if passed.is_set():
                raise TimeoutError from problem
            raise
        finally:
            timer.cancel()
        # A body without a length ends where the connection does, however it came to end.
        if passed.is_set():
            raise TimeoutError


def why_unanswered(problem: OSError | http.client.HTTPException) -> str:
    """Answers in a few words why an exchange brought nothing."""
    if isinstance(problem, TimeoutError):
        return "timed out"
    if isinstance(problem, http.client.RemoteDisconnected):
        return "closed the connection"
    if isinstance(problem, http.client.HTTPException):
        return "not HTTP, or cut short"
    return problem.strerror or type(problem).__name__


def _read(response: http.client.HTTPResponse, limit_bytes: int) -> Response:
    said = Response(
        status=response.status,
        content_type=response.getheader("Content-Type", ""),
        etag=response.getheader("ETag"),
        body=b"",
        missing_bytes=1,
    )
    try:
        body = response.read(limit_bytes + 1)
    except (http.client.HTTPException, ValueError):
        # A refusal whose reason breaks off is one all the same.
        if response.status < 400:
            raise
        return said
    # http.client reports a body that ended early only to those who ask for all of it at once.
    return replace(said, body=body, missing_bytes=response.length)
