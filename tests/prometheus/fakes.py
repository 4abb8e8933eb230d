"""Small HTTP servers that stand for an agent or a registry, and remember what they were asked."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.prometheus_server import eventually

JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}


@dataclass(frozen=True)
class Asked:
    """A request, as the server saw it; the port tells one connection from another."""

    path: str
    headers: dict[str, str]
    client_port: int
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """What the server answers; the parts of the body leave with a pause before each.

    A length is added unless the headers speak of one, or of closing the connection.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    parts: tuple[bytes, ...] = ()
    pause_seconds: float = 0.0


class FakeServer:
    """Answers each request with what `reply` makes of it, or closes the connection at None."""

    def __init__(self, reply: Callable[[Asked], Reply | None]) -> None:
        self.reply = reply
        self.asked: list[Asked] = []
        self._stopping = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def start(self) -> None:
        """Listens, on the port of last time where it was started before."""
        # A new one, so that connections kept from before the stop stay dead.
        self._stopping = threading.Event()
        handler = _handler(self, self._stopping)
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()

    def stop(self) -> None:
        """Closes the listening socket; kept connections end with their next request."""
        self._stopping.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        self._server = None


def _handler(fake: FakeServer, stopping: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(self.path, dict(self.headers.items()), self.client_address[1], body)
            fake.asked.append(asked)
            reply = None if stopping.is_set() else fake.reply(asked)
            if reply is None:
                self.close_connection = True
                return
            try:
                self._send(reply)
            except OSError:
                self.close_connection = True

        do_PUT = do_POST = do_GET

        def _send(self, reply: Reply) -> None:
            if not reply.parts:
                stopping.wait(reply.pause_seconds)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            whole = reply.body + b"".join(reply.parts)
            if reply.status != 304 and not {"Content-Length", "Connection"} & reply.headers.keys():
                self.send_header("Content-Length", str(len(whole)))
            self.end_headers()
            self.wfile.write(reply.body)
            for part in reply.parts:
                stopping.wait(reply.pause_seconds)
                self.wfile.write(part)

        def log_message(self, *_: object) -> None:
            """Keeps the test's output free of requests."""

    return Handler


@contextmanager
def fake_server(reply: Callable[[Asked], Reply | None]) -> Iterator[FakeServer]:
    """Runs a fake server for as long as the context lasts."""
    server = FakeServer(reply)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def fake_agent(exposition: str, **headers: str) -> Iterator[FakeServer]:
    """Runs a target that answers every path with this exposition."""
    reply = Reply(200, TEXT | headers, exposition.encode())
    with fake_server(lambda asked: reply) as server:
        yield server


def target(address: str, **labels: str) -> dict[str, object]:
    """One entry of a target list."""
    return {"targets": [address], "labels": labels}


def list_reply(*targets: dict[str, object], etag: str | None = None) -> Callable[[Asked], Reply]:
    """Answers as a registry does: the list, or 304 to whoever has it."""
    body = json.dumps(targets).encode()

    def reply(asked: Asked) -> Reply:
        if etag and asked.headers.get("If-None-Match") == etag:
            return Reply(304, {"ETag": etag})
        return Reply(200, JSON | ({"ETag": etag} if etag else {}), body)

    return reply


def asked_again(server: FakeServer, times: int = 3) -> None:
    """Waits for questions that began after this moment."""
    enough = len(server.asked) + times
    eventually(lambda: len(server.asked) >= enough)


FLEET = [target("10.0.0.1:9101", agent="one"), target("10.0.0.2:9101", agent="two")]
