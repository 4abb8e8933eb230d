"""One kept connection over HTTP, on which no exchange outlasts its deadline."""

import http.client
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from pulseguard_prometheus.settings import ServerAddress


@dataclass(frozen=True)
class Response:
    """What a server said, whatever its status."""

    status: int
    content_type: str
    etag: str | None
    body: bytes
    missing_bytes: int | None


class KeptConnection:
    """One kept connection to a server, opened again where it broke."""

    def __init__(self, address: ServerAddress, *, timeout_seconds: float) -> None:
        self._address = address
        self._timeout_seconds = timeout_seconds
        kind = (
            http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        )
        self._connection = kind(address.host, address.port, timeout=timeout_seconds)

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
        HTTPException after at most the time-out for connecting and as much again.
        """
        kept = self._connection.sock is not None
        request = (method, self._address.path + path, body, dict(headers))
        try:
            return self._exchange_once(request, limit_bytes)
        except (ConnectionError, http.client.BadStatusLine):
            # A server may close a kept connection at any moment; that says nothing about it yet.
            if not kept:
                raise
            return self._exchange_once(request, limit_bytes)

    def close(self) -> None:
        """Closes the connection; the next question opens it again."""
        self._connection.close()

    def _exchange_once(
        self, request: tuple[str, str, bytes | None, dict[str, str]], limit_bytes: int
    ) -> Response:
        unread = True
        try:
            if self._connection.sock is None:
                self._connection.connect()
            with self._deadline():
                self._connection.request(*request)
                response = _read(self._connection.getresponse(), limit_bytes)
            unread = bool(response.missing_bytes) or len(response.body) > limit_bytes
            return response
        finally:
            if unread:
                self._connection.close()

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
    body = response.read(limit_bytes + 1)
    return Response(
        status=response.status,
        content_type=response.getheader("Content-Type", ""),
        etag=response.getheader("ETag"),
        body=body,
        # http.client reports a body that ended early only to those who ask for all of it at once.
        missing_bytes=response.length,
    )
