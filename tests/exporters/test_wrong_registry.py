"""A registry URL at which no registry answers, and refusals: one clear line with the mend."""

import json
import logging
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pulseguard.reporting.client import Reply
from tests.exporters.conftest import MakeAgent
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.observing import wait_until


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING)
    return caplog


def test_https_to_a_registry_that_speaks_http_is_told_the_other_scheme(
    make_agent: MakeAgent, registry: FakeRegistry, told: pytest.LogCaptureFixture
) -> None:
    url = registry.url.replace("http://", "https://")
    make_agent(strict=False, registry_url=url).start()

    wait_until(lambda: "gives no answer" in told.text)

    (line,) = told.messages
    assert url in line
    assert "PULSEGUARD_REGISTRY_URL" in line
    assert "http://" in line
    assert "SSLError" not in line


def test_a_certificate_that_is_not_trusted_names_the_mend(
    make_agent: MakeAgent,
    registry: FakeRegistry,
    told: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def distrust(*_: object) -> None:
        raise ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate")

    monkeypatch.setattr("http.client.HTTPSConnection.connect", distrust)
    make_agent(strict=False, registry_url="https://127.0.0.1:9").start()

    wait_until(lambda: "gives no answer" in told.text)

    (line,) = told.messages
    assert "self-signed certificate" in line
    assert "SSL_CERT_FILE" in line


@contextmanager
def another_server(status: int, body: bytes) -> Iterator[str]:
    """An HTTP server that answers this to every POST; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"<html>not here"),
        (404, b'{"detail":"Not Found"}'),
        (405, b""),
        (501, b"<html>"),
        (301, b""),
        (200, b"<html>welcome"),
    ],
)
def test_another_http_server_is_told_to_be_no_registry(
    make_agent: MakeAgent, told: pytest.LogCaptureFixture, status: int, body: bytes
) -> None:
    with another_server(status, body) as url:
        agent = make_agent(strict=False, registry_url=url)
        agent.start()
        wait_until(lambda: told.messages)
        agent.stop(timeout_seconds=0.5)

    (line,) = told.messages
    assert f"{url} is no PulseGuard registry" in line
    assert str(status) in line
    assert "PULSEGUARD_REGISTRY_URL" in line
    assert "no reason given" not in line


@pytest.mark.parametrize(
    ("status", "detail", "faults"),
    [
        (404, "no such agent", []),
        # Another key would be no mend.
        (401, "agent_id: is retired", [{"field": "agent_id", "message": "is retired"}]),
    ],
)
def test_a_problem_of_the_registry_stays_its_own(
    make_agent: MakeAgent,
    told: pytest.LogCaptureFixture,
    status: int,
    detail: str,
    faults: list[dict[str, str]],
) -> None:
    problem = {"title": "Not so", "status": status, "detail": detail, "errors": faults}
    with another_server(status, json.dumps(problem).encode()) as url:
        make_agent(strict=False, registry_url=url).start()
        wait_until(lambda: told.messages)

    assert told.messages[0] == f"the registry {url} answers {status}: {detail}"


@pytest.mark.parametrize(
    ("detail", "faults", "said"),
    [
        ("metrics_address: not here", [("metrics_address", "not here")], None),
        (
            "name: too long (and 1 more)",
            [("name", "too long"), ("team", "too long")],
            "name: too long (and 1 more); team: too long",
        ),
        ("some are wrong", [("name", "bad")], "some are wrong; name: bad"),
        ("it is there already", [("instance", "it is there already")], None),
    ],
)
def test_no_fault_is_said_twice(
    detail: str, faults: list[tuple[str, str]], said: str | None
) -> None:
    errors = [{"field": field, "message": message} for field, message in faults]

    assert Reply(422, {"detail": detail, "errors": errors}).detail == (said or detail)
