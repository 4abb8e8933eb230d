"""Whom a verb asks, and what it says where that is no registry."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.registry.operating.conftest import Run

# By the beginning of the path: what other servers say to whom they do not know.
ANSWERS: Mapping[str, tuple[int, bytes]] = {
    "/prometheus": (404, b"404 page not found\n"),
    "/grafana": (401, b'{"message": "Unauthorized"}'),
    "/page": (200, b"<html>welcome"),
    "/other": (200, b'{"status": "success"}'),
    "/moved": (302, b""),
    "/proxy": (502, b"<html>bad gateway"),
}


class OtherServer(BaseHTTPRequestHandler):
    """None of ours."""

    def do_GET(self) -> None:
        status, body = ANSWERS["/" + self.path.split("/")[1]]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def other() -> Iterator[str]:
    """The URL of a server that is no registry."""
    with ThreadingHTTPServer(("127.0.0.1", 0), OtherServer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("path", [path for path in ANSWERS if path != "/proxy"])
def test_what_is_no_registry_is_named_with_the_setting_that_named_it(
    run: Run, tmp_path: Path, other: str, path: str
) -> None:
    (tmp_path / "key").write_text("pg_viewer_x")
    asked = ("agents", "list", "--key-file", str(tmp_path / "key"))

    by_flag = run(*asked, "--registry-url", other + path)
    by_variable = run(*asked, PULSEGUARD_REGISTRY_URL=other + path)

    for done, setting in ((by_flag, "--registry-url"), (by_variable, "PULSEGUARD_REGISTRY_URL")):
        assert (done.status, done.err.count("\n")) == (1, 1)
        assert f"{other}{path} ({setting}) is no PulseGuard registry" in done.err
        assert "no reason given" not in done.err


def test_a_proxy_whose_registry_is_away_is_not_called_another_server(
    run: Run, tmp_path: Path, other: str
) -> None:
    (tmp_path / "key").write_text("pg_viewer_x")
    asked = ("agents", "list", "--key-file", str(tmp_path / "key"))

    done = run(*asked, "--registry-url", f"{other}/proxy")

    assert "refuses (502)" in done.err
