"""The keys of a stack whose registry is slow to answer, or does not answer at all."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pulseguard_stack.errors import RegistryRefused
from pulseguard_stack.runner import access_keys
from pulseguard_stack.runner.access_keys import WANTED, ensure_keys
from pulseguard_stack.runner.places import Places


@contextmanager
def registry(*, refuses: int = 0, first_after: float = 0.0) -> Iterator[str]:
    """It has no database for so many requests, and takes its time for the next one."""
    left = [503] * refuses
    slow = [first_after]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status = left.pop() if left else 201
            if status == 201 and slow:
                time.sleep(slow.pop())
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps({"key": "made"}).encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.fixture
def places(tmp_path: Path) -> Places:
    made = Places(tmp_path)
    made.make_folders()
    made.admin_key.parent.mkdir(parents=True, exist_ok=True)
    made.admin_key.write_text("admin")
    return made


@pytest.mark.parametrize("how", [{"first_after": 2.5}, {"refuses": 2}], ids=str)
def test_a_registry_that_is_busy_still_makes_the_keys(places: Places, how: dict[str, int]) -> None:
    with registry(**how) as url:
        ensure_keys(url, places)

    assert {places.key(name).read_text() for name in WANTED} == {"made\n"}


def test_a_registry_that_never_answers_is_said_to_and_no_key_is_blamed(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_keys, "PATIENCE_SECONDS", 0.5)

    with registry(refuses=100) as url, pytest.raises(RegistryRefused) as refused:
        ensure_keys(url, places)

    assert "has not answered" in str(refused.value)
    assert "registry.log says why" in str(refused.value)
    assert "admin key" not in str(refused.value)
