"""What stands where Alertmanager should: it answers with whatever a test lets it say, or never."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class StrangeAlertmanager:
    """Answers each path with its text, and posts with an empty object; `asked` are the paths that
    it was asked for. It answers nothing while `hangs` is set."""

    answers: Mapping[str, str]
    url: str = ""
    date: str = "Sat, 28 Nov 2026 10:00:00 GMT"
    asked: list[str] = field(default_factory=list)
    hangs: bool = False
    over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def strange_alertmanager(answers: Mapping[str, str]) -> Iterator[StrangeAlertmanager]:
    """One that listens for as long as the context lasts."""
    told = StrangeAlertmanager(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(told.answers.get(self.path.partition("?")[0], "[]"))

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer("{}")

        def _answer(self, text: str) -> None:
            told.asked.append(f"{self.command} {self.path}")
            if told.hangs:
                told.over.wait(30)
            body = text.encode()
            self.send_response_only(200)
            self.send_header("Date", told.date)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 200

    with Server(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        try:
            yield told
        finally:
            told.over.set()
            server.shutdown()
