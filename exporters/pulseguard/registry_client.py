"""Talks HTTP to the registry: one request, one answer, bounded time."""

import functools
import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pulseguard.catalog import RegistryOutcome
from pulseguard.errors import RegistryUnreachable
from pulseguard.labels import clean_line

CONNECT_SECONDS: Final = 2.0
READ_SECONDS: Final = 5.0

_LARGEST_ANSWER: Final = 1 << 20


@dataclass(frozen=True)
class Reply:
    """The registry's answer; `body` is empty where it was no JSON object."""

    status: int
    body: Mapping[str, object]

    @property
    def outcome(self) -> RegistryOutcome:
        if 200 <= self.status < 300:
            return "ok"
        return "unavailable" if self.status >= 500 else "refused"

    @property
    def detail(self) -> str:
        """What a problem document says, with the fields it names, short enough for a log line."""
        said = [str(self.body.get("detail") or self.body.get("title") or "no reason given")]
        faults = self.body.get("errors")
        for fault in faults[:3] if isinstance(faults, list) else []:
            if isinstance(fault, dict):
                said.append(f"{fault.get('field')} {fault.get('message')}")
        return clean_line("; ".join(said))


class RegistryClient:
    """One registry. Proxies are not used: the key goes to the registry and to nobody else."""

    def __init__(self, url: str, read_key: Callable[[], str | None]) -> None:
        self.url = url
        self._parts = urlsplit(url)
        self._read_key = read_key
        self._key: str | None = None

    def refresh_key(self) -> None:
        """Read the key again: it may have been rotated."""
        self._key = self._read_key()

    def post(self, path: str, body: Mapping[str, object], deadline: float | None) -> Reply:
        """The answer to a POST below /api/v1; RegistryUnreachable where none came.

        `deadline` (monotonic) shortens the usual two seconds to connect and five to read.
        """
        content = json.dumps(body, allow_nan=False).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        connection = self._connection(_shorter(CONNECT_SECONDS, deadline))
        try:
            connection.connect()
            connection.sock.settimeout(_shorter(READ_SECONDS, deadline))
            connection.request("POST", f"{self._parts.path}/api/v1{path}", content, headers)
            response = connection.getresponse()
            return Reply(response.status, _object(response.read(_LARGEST_ANSWER)))
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise RegistryUnreachable(f"{type(error).__name__}: {error}"[:200]) from error
        finally:
            connection.close()

    def local_address(self) -> str:
        """The address of this host on the way to the registry; nothing is sent to find out."""
        family, kind, _, _, address = socket.getaddrinfo(
            self._parts.hostname, self._parts.port or 80, type=socket.SOCK_DGRAM
        )[0]
        with socket.socket(family, kind) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])

    def _connection(self, timeout: float) -> http.client.HTTPConnection:
        host = self._parts.hostname or ""
        if self._parts.scheme == "https":
            return http.client.HTTPSConnection(
                host, self._parts.port, timeout=timeout, context=_tls()
            )
        return http.client.HTTPConnection(host, self._parts.port, timeout=timeout)


def read_key_file(path: Path) -> str | None:
    """The key that the file holds; OSError where it cannot be read."""
    return path.read_text(encoding="ascii", errors="replace").strip() or None


@functools.cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _shorter(seconds: float, deadline: float | None) -> float:
    if deadline is None:
        return seconds
    left = deadline - time.monotonic()
    if left <= 0:
        raise RegistryUnreachable("no time left")
    return min(seconds, left)


def _object(content: bytes) -> Mapping[str, object]:
    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
