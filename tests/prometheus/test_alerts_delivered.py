"""From Alertmanager to the registry and to people: nothing lost, nothing twice, and it is told."""

import json
import os
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from pulseguard_prometheus.configuration import (
    render_alertmanager_configuration,
    shipped_alertmanager_configuration,
)
from tests.prometheus.alertmanager_server import AlertmanagerServer
from tests.prometheus.lossy_webhook import LossyWebhook, lossy_webhook
from tests.registry.process import RegistryProcess
from tests.server_folder import server_folder
from tests.started_program import eventually, free_port

LONG = bool(os.environ.get("PULSEGUARD_TEST_LONG"))
ALERTS = 100 if LONG else 12
# Alertmanager itself gives a delivery up after 10 s.
HANG_SECONDS = 12.0 if LONG else 0.5
ONLY_TESTS = ['alertname="PulseGuardTest"']


class Way:
    """A registry that can be killed, an Alertmanager, and what people's receivers get."""

    def __init__(self, folder: Path, parts: ExitStack) -> None:
        self.folder = folder
        self.sink = parts.enter_context(sink())
        alertmanager_port = free_port()
        self.settings = {"alertmanager_url": f"http://127.0.0.1:{alertmanager_port}"}
        self.registry = RegistryProcess(folder, None, 0, "registry", **self.settings)
        parts.callback(lambda: self.registry.stop())
        self._begin()
        self.key = self.registry.admin_key()
        self.webhook: LossyWebhook = parts.enter_context(lossy_webhook(self.registry.url))
        (folder / "alertmanager" / "secrets").mkdir(parents=True)
        made = self.registry.post(
            "/api/v1/keys", {"name": "prometheus", "role": "prometheus"}, self.key
        )
        secret = folder / "alertmanager" / "secrets" / "prometheus.key"
        secret.write_text(made.body["key"])
        self.alertmanager: AlertmanagerServer = parts.enter_context(
            AlertmanagerServer(
                folder / "alertmanager",
                configuration(self.webhook.address, self.sink.address),
                port=alertmanager_port,
            )
        )

    def kill_registry(self) -> None:
        """As the machine would that has no memory left; PostgreSQL lives."""
        self.registry.process.kill()
        self.registry.process.wait()
        port = int(self.registry.url.rpartition(":")[2])
        self.registry = RegistryProcess(self.folder, None, port, "registry", **self.settings)
        self._begin()

    def fire(self, name: str, **more: str) -> None:
        """So many alerts of this name."""
        alerts = [{"labels": {"alertname": name, "number": str(n)}, **more} for n in range(ALERTS)]
        request = urllib.request.Request(
            f"{self.alertmanager.url}/api/v2/alerts", json.dumps(alerts).encode()
        )
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=10):
            pass

    def get(self, path: str) -> Any:
        """What an admin is answered."""
        answer = self.registry.get(f"/api/v1/alerts{path}", self.key)
        assert answer.status == 200, answer.body
        return answer.body

    def entries(self, name: str, status: str) -> list[tuple[str, str]]:
        """The number and the start of each alert that began, or that ended."""
        items = self.get(f"?alertname={name}&limit=500")["items"]
        return [
            (each["labels"]["number"], each["starts_at"])
            for each in items
            if each["status"] == status
        ]

    def _begin(self) -> None:
        self.registry.wait_until_it_listens()
        eventually(self.registry.is_ready)


class Sink:
    """What people's receivers are sent; PagerDuty refuses it, OpsGenie is in trouble, and VictorOps
    answers never."""

    def __init__(self) -> None:
        self.address = ""
        self.taken: list[str] = []
        self.over = threading.Event()

    def take(self, path: str) -> int:
        """The status that it is answered."""
        self.taken.append(path)
        if path.startswith("/victorops"):
            self.over.wait(60)
        return 400 if path == "/pagerduty" else 503 if path.startswith("/opsgenie") else 200


@contextmanager
def sink() -> Iterator[Sink]:
    """A server that listens, on `address`."""
    one = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(one.take(self.path))
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            """Nothing: the test reads `taken`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    one.address = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    try:
        yield one
    finally:
        one.over.set()
        server.shutdown()
        server.server_close()


def configuration(registry_address: str, sink_url: str) -> str:
    """The shipped one with short times, and receivers for tests of the way only."""
    rendered = render_alertmanager_configuration(
        shipped_alertmanager_configuration(),
        registry_address=registry_address,
        group_interval_seconds=0.5,
        repeat_interval_seconds=60,
    )
    document = yaml.safe_load(rendered)
    receivers: dict[str, Any] = {
        "slack": {"slack_configs": [{"api_url": f"{sink_url}/slack", "channel": "#ops"}]},
        "pagerduty": {
            "pagerduty_configs": [{"routing_key": "none", "url": f"{sink_url}/pagerduty"}]
        },
        "webhook": {"webhook_configs": [{"url": f"{sink_url}/webhook"}]},
        "opsgenie": {"opsgenie_configs": [{"api_key": "none", "api_url": f"{sink_url}/opsgenie/"}]},
        "victorops": {
            "victorops_configs": [
                {"api_key": "none", "api_url": f"{sink_url}/victorops/", "routing_key": "none"}
            ]
        },
    }
    document["receivers"] += [{"name": name, **each} for name, each in receivers.items()]
    document["route"]["routes"] = [
        {"receiver": name, "continue": True, "matchers": ONLY_TESTS, "group_wait": "0s"}
        for name in receivers
    ] + [{"receiver": "registry"}]
    return str(yaml.safe_dump(document))


@pytest.fixture(scope="module")
def way() -> Iterator[Way]:
    """One for all of these, with its own PostgreSQL in a folder that this can reach."""
    with server_folder() as folder, ExitStack() as parts:
        yield Way(folder, parts)


def test_no_alert_is_missing_or_there_twice_whatever_becomes_of_its_delivery(way: Way) -> None:
    way.webhook.each_alert = ["registry in trouble", "hang", "answer lost"]
    way.webhook.hang_seconds = HANG_SECONDS
    numbers = {str(number) for number in range(ALERTS)}
    began = "2026-11-23T10:00:00Z"

    way.fire("Tossed", startsAt=began)
    # In the middle of it.
    eventually(lambda: len(way.webhook.deliveries) >= ALERTS)
    way.kill_registry()
    eventually(
        lambda: {n for n, _ in way.entries("Tossed", "firing")} == numbers, timeout_seconds=120
    )
    way.fire("Tossed", startsAt=began, endsAt="2026-11-23T10:05:00Z")
    eventually(lambda: way.entries("Tossed", "resolved"), timeout_seconds=60)
    way.kill_registry()
    eventually(
        lambda: {n for n, _ in way.entries("Tossed", "resolved")} == numbers, timeout_seconds=120
    )

    for status in ("firing", "resolved"):
        there = way.entries("Tossed", status)
        assert len(there) == len({number for number, _ in there}) == ALERTS
    # Every fate was met, at the beginning and at the end; what was stored may be told again.
    eventually(lambda: len(way.webhook.deliveries) >= 2 * ALERTS * 4)
    way.webhook.each_alert = []


def test_whom_alerts_reach_is_told_without_our_own_receivers(way: Way) -> None:
    told = way.get("/receivers")

    assert told["reaches"] is True
    assert set(told["receivers"]) == {"slack", "pagerduty", "webhook", "opsgenie", "victorops"}


def test_a_test_alert_says_which_receiver_took_it_and_what_that_rests_on(way: Way) -> None:
    sent = way.registry.post("/api/v1/alerts/test", None, way.key).body
    path = f"/test?test_id={sent['test_id']}"

    def states() -> dict[str, tuple[str, str]]:
        receivers = way.get(path)["receivers"]
        return {each["receiver"]: (each["state"], each["rests_on"]) for each in receivers}

    known = {
        "registry": ("took", "webhook"),
        "slack": ("took", "integration"),
        "pagerduty": ("failed", "integration"),
        # The registry is a webhook as well, and knows how often it was told.
        "webhook": ("took", "integration"),
        # Alertmanager has begun to tell these, and neither has taken it.
        "opsgenie": ("waiting", "integration"),
        "victorops": ("waiting", "integration"),
    }
    eventually(lambda: states() == known)

    assert way.get("/test")["reached"] is True
    assert {"/slack", "/pagerduty", "/webhook"} <= {*way.sink.taken}
    (entry,) = way.get("?alertname=PulseGuardTest")["items"]
    assert entry["is_test"]
    assert entry["labels"]["severity"] == "info"
    # Else it would begin when it ends.
    began, received = (datetime.fromisoformat(entry[at]) for at in ("starts_at", "received_at"))
    assert began <= received


def test_a_test_while_alertmanager_is_away_says_so(way: Way) -> None:
    way.alertmanager.stop()

    sent = way.registry.post("/api/v1/alerts/test", None, way.key).body
    last, whom = way.get("/test"), way.get("/receivers")

    assert sent["test_id"] is None
    for sentence in (sent["sentence"], last["sentence"], whom["sentence"]):
        assert "connection refused" in sentence
        assert "PULSEGUARD_ALERTMANAGER_URL" in sentence
    # What became of the last one is known still.
    assert (last["reached"], whom["reaches"]) == (True, None)
    way.alertmanager.start()
