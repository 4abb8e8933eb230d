"""A small server that registers agents and takes their heartbeats, or refuses for a while."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class SmallRegistry:
    """`refuses` is how many of the next requests are answered 503, after `pause` seconds each."""

    def __init__(self) -> None:
        self.refuses = 0
        self.pause = 0.0
        self.agents: dict[str, Any] = {}
        # Who beat, and with what, as far as it was acknowledged.
        self.beats: list[tuple[str, Any]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, path: str, body: Any) -> tuple[int, bytes]:
        """Status and body."""
        time.sleep(self.pause)
        if self.refuses:
            self.refuses -= 1
            return 503, b"busy"
        if path.endswith("/heartbeat"):
            self.beats.append((path.split("/")[-2], body))
            return 200, b"{}"
        self.agents[body["name"]] = body
        return 201, json.dumps({"id": body["name"]}).encode()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(registry: SmallRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, content = registry.answer(self.path.partition("?")[0], body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
