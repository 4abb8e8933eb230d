"""An HTTP request for /metrics, answered: bytes in, bytes out."""

import gzip
import hmac
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final, NamedTuple

from pulseguard.recording.series import Readings, Series
from pulseguard.recording.whole import Whole
from pulseguard.scraping.page import Page, accepts_gzip, content_type

PATH: Final = "/metrics"
# Whom a scrape is meant for; Prometheus sends it, since a target is only an address.
AGENT_PARAMETER: Final = "agent_id"
ANOTHER_AGENT: Final = "another agent answers at this address"

_INDEX: Final = (
    b"<!doctype html><title>PulseGuard exporter</title>"
    b'<h1>PulseGuard exporter</h1><p><a href="/metrics">Metrics</a></p>\n'
)
# Prometheus scrapes often and near: more effort costs the agent more than the network saves.
_GZIP_LEVEL: Final = 1


class Answer(NamedTuple):
    """A whole HTTP response; where it carries the metrics, with the changes they include."""

    content: bytes
    changes: int | None = None


class Answering:
    """Answers request heads; only GET and HEAD of /metrics and of / are served.

    With a `token`, /metrics wants it as `Authorization: Bearer` (RFC 6750). With an `identify`,
    which gives the id of this agent, a scrape that names another agent is answered 404: the port
    of a dead agent may have been taken, and the numbers of one must not stand under the other's
    name. Not 410, which would say that the other is gone for good.
    """

    def __init__(
        self,
        read: Callable[[], tuple[int, Readings]],
        shown: Series | Whole,
        token: str | None = None,
        identify: Callable[[], str] | None = None,
    ) -> None:
        self._read = read
        self._shown = shown
        self._page = Page(shown.detail)
        self._token = None if token is None else token.encode()
        self._identify = identify

    def __call__(self, head: bytes) -> Answer:
        lines = head.decode("latin-1").split("\r\n")
        parts = lines[0].split(" ")
        if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
            return _plain(HTTPStatus.BAD_REQUEST)
        method = parts[0]
        target, _, query = parts[1].partition("?")
        if method not in ("GET", "HEAD"):
            return _plain(HTTPStatus.METHOD_NOT_ALLOWED, Allow="GET, HEAD")
        with_body = method == "GET"
        if target == PATH:
            return self._answer(_headers(lines[1:]), query, with_body)
        if target == "/":
            return Answer(_response(HTTPStatus.OK, _INDEX, "text/html; charset=utf-8", with_body))
        return _plain(HTTPStatus.NOT_FOUND, with_body)

    def _answer(self, headers: Mapping[str, str], query: str, with_body: bool) -> Answer:
        if not self._may(headers.get("authorization", "")):
            return _plain(HTTPStatus.UNAUTHORIZED, with_body, **{"WWW-Authenticate": "Bearer"})
        if not self._is_meant(query):
            return _plain(HTTPStatus.NOT_FOUND, with_body, ANOTHER_AGENT)
        kind = content_type(headers.get("accept", ""))
        changes, readings = self._read()
        body = self._page.render(self._shown.metrics, readings, kind)
        packed = {}
        if accepts_gzip(headers.get("accept-encoding", "")):
            body = gzip.compress(body, _GZIP_LEVEL)
            packed = {"Content-Encoding": "gzip"}
        content = _response(HTTPStatus.OK, body, kind, with_body, packed)
        return Answer(content, changes if with_body else None)

    def _may(self, authorization: str) -> bool:
        if self._token is None:
            return True
        scheme, _, given = authorization.partition(" ")
        right = hmac.compare_digest(given.strip().encode("latin-1"), self._token)
        return scheme.lower() == "bearer" and right

    def _is_meant(self, query: str) -> bool:
        """Whether the scrape is of this agent, or of whoever answers."""
        # No decoding: an id has nothing to encode.
        pairs = (each.partition("=") for each in query.split("&"))
        wanted = {value.lower() for name, _, value in pairs if name == AGENT_PARAMETER} - {""}
        return self._identify is None or not wanted or wanted == {self._identify()}


def refusal(status: HTTPStatus) -> bytes:
    """A whole response that only says why nothing else comes."""
    return _plain(status).content


def _headers(lines: list[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _plain(status: HTTPStatus, with_body: bool = True, reason: str = "", **headers: str) -> Answer:
    text = f"{status.value} {status.phrase}{reason and ': '}{reason}\n".encode()
    return Answer(_response(status, text, "text/plain; charset=utf-8", with_body, headers))


def _response(
    status: HTTPStatus,
    body: bytes,
    content_type: str,
    with_body: bool,
    more: dict[str, str] | None = None,
) -> bytes:
    headers = {
        "Content-Type": content_type,
        "Content-Length": str(len(body)),
        "Vary": "Accept, Accept-Encoding",
        "Connection": "close",
        **(more or {}),
    }
    written = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\n{written}\r\n".encode("latin-1")
    return head + body if with_body else head
