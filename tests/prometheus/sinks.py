"""Where notifications end in tests: a web server for those of HTTP, and a mail server."""

import email
import email.policy
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

Sink = TypeVar("Sink")


class WebSink:
    """Takes everything that is posted, by path; `url` is where it listens."""

    def __init__(self) -> None:
        # Any: JSON.
        self.posted: dict[str, list[Any]] = {}
        self.url = ""

    # Any: see above.
    def on(self, path: str) -> list[Any]:
        """What has come to this path."""
        return list(self.posted.get(path, ()))


class MailSink:
    """Takes every e-mail, with whom it was sent to; `address` is host:port."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.address = ""


@contextmanager
def web_sink() -> Iterator[WebSink]:
    """A web sink that listens for as long as the context lasts."""
    sink = WebSink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            sink.posted.setdefault(self.path, []).append(body)
            # What PagerDuty answers; the others look at no more than that it is good.
            self.send_response(202 if "pagerduty" in self.path else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing: the test reads `posted`."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        # A whole fleet's alerts come at once, each to the registry by itself.
        request_queue_size = 1000

    with Server(("127.0.0.1", 0), Handler) as server:
        sink.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield from _serving(server, sink)


@contextmanager
def mail_sink() -> Iterator[MailSink]:
    """A mail sink that listens for as long as the context lasts."""
    sink = MailSink()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 sink")
            while line := self.rfile.readline():
                verb = line[:4].upper().strip()
                if verb == b"DATA":
                    self._say("354 go on")
                    sink.mails.append(self._mail())
                self._say("221 bye" if verb == b"QUIT" else "250 well")

        def _mail(self) -> EmailMessage:
            lines = iter(self.rfile.readline, b".\r\n")
            text = b"".join(line.removeprefix(b".") for line in lines)
            return email.message_from_bytes(text, policy=email.policy.default)

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        sink.address = f"127.0.0.1:{server.server_address[1]}"
        yield from _serving(server, sink)


def _serving(server: socketserver.BaseServer, sink: Sink) -> Iterator[Sink]:
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    try:
        yield sink
    finally:
        server.shutdown()
