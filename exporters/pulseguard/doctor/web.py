"""Asks a server for JSON or text: one request, one answer, one deadline."""

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit

from pulseguard.errors import PulseGuardError
from pulseguard.recording.labels import clean_line
from pulseguard.reporting.client import tls_reason

DEADLINE_SECONDS: Final = 3.0

_LARGEST_ANSWER: Final = 64 << 20
_LONGEST_REASON: Final = 160


class NoAnswer(PulseGuardError):
    """Nothing usable came within the deadline; the text says why in a few words."""


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    content: bytes
    # What the server's clock said, as it writes it; empty where it did not.
    date: str = ""

    @property
    def ok(self) -> bool:
        """Whether the request was granted."""
        return 200 <= self.status < 300

    def json(self) -> object:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError):
            return None

    def fields(self) -> Mapping[str, object]:
        """The body as a JSON object; empty where it is none."""
        body = self.json()
        return body if isinstance(body, dict) else {}

    @property
    def detail(self) -> str:
        """What a problem document (RFC 9457) or an error of Prometheus' API says."""
        body = self.fields()
        said = body.get("detail") or body.get("error") or body.get("title") or "no reason given"
        return clean_line(str(said))


def ask(
    url: str,
    *,
    key: str | None = None,
    query: Mapping[str, str | Sequence[str]] | None = None,
    body: Mapping[str, object] | Sequence[object] | None = None,
    method: str | None = None,
    seconds: float = DEADLINE_SECONDS,
) -> Answer:
    """The answer to a GET, to a POST of `body`, or to another method, after at most `seconds`.

    NoAnswer where none came. Redirects are not followed and proxies not used: a key goes to the
    server that was named, and to nobody else.
    """
    parts = urlsplit(url)
    content = None if body is None else json.dumps(body, allow_nan=False).encode()
    path = (parts.path or "/") + (f"?{urlencode(query, doseq=True)}" if query else "")
    connection = _connection(parts.scheme, parts.hostname or "", parts.port, seconds)
    watch = _Watch(seconds)
    try:
        connection.connect()
        watch.begin(connection.sock)
        connection.request(method or _usual(content), path, content, _headers(key))
        response = connection.getresponse()
        content = _read(response)
        # What ends where the watch cut it, and names no length, looks complete.
        if watch.is_over:
            raise TimeoutError
        return Answer(response.status, content, response.headers.get("Date", ""))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswer(_reason(error, watch.is_over, seconds)) from error
    finally:
        watch.end()
        connection.close()


class _Watch:
    """Ends a connection when its time is over, however much of an answer is on its way.

    The time-out of a socket starts anew with every byte: a server that trickles has no end.
    """

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._deadline = time.monotonic() + seconds
        self._timer: threading.Timer | None = None

    def begin(self, connected: socket.socket) -> None:
        """Watch this connection, for what is left of the time."""
        left = max(self._deadline - time.monotonic(), 0)
        self._timer = threading.Timer(left, self._cut, (connected,))
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """No longer watch."""
        if self._timer is not None:
            self._timer.cancel()

    def _cut(self, connected: socket.socket) -> None:
        self.is_over = True
        with suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)


def _connection(
    scheme: str, host: str, port: int | None, seconds: float
) -> http.client.HTTPConnection:
    if scheme == "https":
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
    return http.client.HTTPConnection(host, port, timeout=seconds)


def _usual(content: bytes | None) -> str:
    return "GET" if content is None else "POST"


def _headers(key: str | None) -> dict[str, str]:
    headers = {"Accept": "application/json, text/plain", "Content-Type": "application/json"}
    return headers | ({"Authorization": f"Bearer {key}"} if key else {})


def _read(response: http.client.HTTPResponse) -> bytes:
    content = response.read(_LARGEST_ANSWER + 1)
    if len(content) > _LARGEST_ANSWER:
        raise NoAnswer(f"its answer is larger than {_LARGEST_ANSWER >> 20} MiB")
    return content


def _reason(error: Exception, overdue: bool, seconds: float) -> str:
    if overdue or isinstance(error, TimeoutError):
        return f"no answer within {seconds:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused: nothing listens there"
    if isinstance(error, socket.gaierror):
        return "there is no host of that name"
    if isinstance(error, http.client.HTTPException):
        return f"what answers there does not speak HTTP ({type(error).__name__})"
    if isinstance(error, ValueError):
        # Its text would show the key.
        return "the key or the address holds what cannot be sent"
    said = tls_reason(error, "its URL") or f"{type(error).__name__}: {error}"
    return clean_line(said)[:_LONGEST_REASON]
