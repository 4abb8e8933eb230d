"""Talks HTTP to the registry: one request, one answer, bounded time."""

import functools
import socket
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from pulseguard.catalog import RegistryOutcome
from pulseguard.errors import RegistryUnreachable
from pulseguard.forking import IMPORTING
from pulseguard.recording.labels import clean_line
from pulseguard.reporting.keys import Keys
from pulseguard.reporting.timed_socket import TimedSocket

if TYPE_CHECKING:
    import http.client
    import ssl

CONNECT_SECONDS: Final = 2.0
READ_SECONDS: Final = 5.0

_LARGEST_ANSWER: Final = 1 << 20
_UNAUTHORIZED: Final = 401
# How servers say that they do not serve a path or a method; or send elsewhere.
_NOT_SERVED: Final = frozenset({301, 302, 303, 307, 308, 404, 405, 501})
# The words of OpenSSL for an answer that is no TLS; they depend on its version.
_NO_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"})


class Reply(NamedTuple):
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
            words, message = _words(fault)
            # Of a registry of ours the detail is the first of them, or its message.
            if words not in said[0] and message != said[0]:
                said.append(words)
        return clean_line("; ".join(said))

    @property
    def is_of_another_server(self) -> bool:
        """Whether a server that is no registry refuses so: without a problem document (RFC 9457).

        Not every refusal without one: a gateway before a registry has words of its own.
        """
        return self.status in _NOT_SERVED and "title" not in self.body


class RegistryClient:
    """One registry. Proxies are not used: the key goes to the registry and to nobody else."""

    def __init__(self, url: str, keys: Keys | None = None) -> None:
        self.url = url
        self._parts = urlsplit(url)
        self._keys = keys
        self._key: str | None = None
        self.has_read_key = False
        self._open: http.client.HTTPConnection | None = None

    def prepare(self) -> None:
        """Import what a request needs: HTTP and TLS, for which no agent waits at its start."""
        with IMPORTING:
            import encodings.idna  # noqa: F401
            import http.client  # noqa: F401
            import json  # noqa: F401
            import ssl  # noqa: F401

    def refresh_key(self) -> None:
        """Read the key again: it may have been rotated."""
        self._key = self._keys.read() if self._keys else None
        self.has_read_key = True

    def keep_key(self, key: str) -> None:
        """Send the agent's own key from now on, and keep it."""
        self._key = key
        if self._keys:
            self._keys.keep(key)

    def post(self, path: str, body: Mapping[str, object], deadline: float | None) -> Reply:
        """The answer to a POST below /api/v1; RegistryUnreachable where none came.

        `deadline` (monotonic) shortens the usual two seconds to connect and five for the rest.
        """
        import http.client
        import json

        content = json.dumps(body, allow_nan=False).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        self._open = connection = self._connection(_shorter(CONNECT_SECONDS, deadline))
        try:
            connection.connect()
            done_by = time.monotonic() + _shorter(READ_SECONDS, deadline)
            connection.sock = TimedSocket(connection.sock, done_by)
            connection.request("POST", f"{self._parts.path}/api/v1{path}", content, headers)
            response = connection.getresponse()
            reply = Reply(response.status, _object(response.read(_LARGEST_ANSWER)))
        except (OSError, http.client.HTTPException, ValueError) as error:
            told = (
                tls_reason(error, "PULSEGUARD_REGISTRY_URL") or f"{type(error).__name__}: {error}"
            )
            raise RegistryUnreachable(told[:200]) from error
        finally:
            connection.close()
            self._open = None
        if reply.status == _UNAUTHORIZED and self._keys:
            self._keys.refuse(self._key)
        return reply

    def let_go(self) -> None:
        """Close what a forked child has inherited of a request in the middle."""
        if self._open is not None:
            self._open.close()

    def local_address(self) -> str:
        """The address of this host on the way to the registry; nothing is sent to find out."""
        family, kind, _, _, address = socket.getaddrinfo(
            self._parts.hostname, self._parts.port or 80, type=socket.SOCK_DGRAM
        )[0]
        with socket.socket(family, kind) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])

    def _connection(self, timeout: float) -> "http.client.HTTPConnection":
        import http.client

        host = self._parts.hostname or ""
        if self._parts.scheme == "https":
            return http.client.HTTPSConnection(
                host, self._parts.port, timeout=timeout, context=_tls()
            )
        return http.client.HTTPConnection(host, self._parts.port, timeout=timeout)


def tls_reason(error: Exception, setting: str) -> str | None:
    """What is wrong between the https:// of this setting and the server, with the mend, if that."""
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        why = getattr(error, "verify_message", None) or error
        return f"its certificate is not trusted, {why}: SSL_CERT_FILE names the file of its CA"
    if isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
        return f"it speaks no TLS: begin {setting} with http://"
    return None


@functools.cache
def _tls() -> "ssl.SSLContext":
    import ssl

    return ssl.create_default_context()


def _words(fault: object) -> tuple[str, str]:
    if type(fault) is not dict:
        return "", ""
    message = str(fault.get("message"))
    return f"{fault.get('field')}: {message}", message


def _shorter(seconds: float, deadline: float | None) -> float:
    if deadline is None:
        return seconds
    left = deadline - time.monotonic()
    if left <= 0:
        raise RegistryUnreachable("no time left")
    return min(seconds, left)


def _object(content: bytes) -> Mapping[str, object]:
    import json

    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
