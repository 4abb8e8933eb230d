"""An HTTP request for /metrics, answered: bytes in, bytes out."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from prometheus_client.exposition import choose_encoder, gzip_accepted

from pulseguard.exposition import AgentCollector

PATH: Final = "/metrics"

_INDEX: Final = (
    b"<!doctype html><title>PulseGuard exporter</title>"
    b'<h1>PulseGuard exporter</h1><p><a href="/metrics">Metrics</a></p>\n'
)
# Prometheus scrapes often and near: more effort costs the agent more than the network saves.
_GZIP_LEVEL: Final = 1


@dataclass(frozen=True)
class Answer:
    """A whole HTTP response; where it carries the metrics, with the changes they include."""

    content: bytes
    changes: int | None = None


def answer(head: bytes, collector: AgentCollector) -> Answer:
    """The response to a request head; only GET and HEAD of /metrics and of / are served."""
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        return _plain(HTTPStatus.BAD_REQUEST)
    method, target = parts[0], parts[1].partition("?")[0]
    if method not in ("GET", "HEAD"):
        return _plain(HTTPStatus.METHOD_NOT_ALLOWED, Allow="GET, HEAD")
    with_body = method == "GET"
    if target == PATH:
        return _metrics(_headers(lines[1:]), collector, with_body)
    if target == "/":
        return Answer(_response(HTTPStatus.OK, _INDEX, "text/html; charset=utf-8", with_body))
    return _plain(HTTPStatus.NOT_FOUND, with_body)


def refusal(status: HTTPStatus) -> bytes:
    """A whole response that only says why nothing else comes."""
    return _plain(status).content


def _metrics(headers: dict[str, str], collector: AgentCollector, with_body: bool) -> Answer:
    encode: Callable[[AgentCollector], bytes]
    encode, content_type = choose_encoder(headers.get("accept", ""))
    body = encode(collector)
    changes = collector.collected_changes if with_body else None
    packed = {}
    if gzip_accepted(headers.get("accept-encoding", "")):
        body = gzip.compress(body, _GZIP_LEVEL)
        packed = {"Content-Encoding": "gzip"}
    return Answer(_response(HTTPStatus.OK, body, content_type, with_body, packed), changes)


def _headers(lines: list[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _plain(status: HTTPStatus, with_body: bool = True, **headers: str) -> Answer:
    text = f"{status.value} {status.phrase}\n".encode()
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
