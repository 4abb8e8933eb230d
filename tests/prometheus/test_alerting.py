"""From a dead agent to the history of alerts: the real programs, with short times."""

import json
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from pulseguard_prometheus.configuration import (
    render_alertmanager_configuration,
    render_configuration,
    render_rules,
    shipped_alertmanager_configuration,
    shipped_configuration,
    shipped_rules,
)
from tests.end_to_end.processes import Started
from tests.prometheus.agent_process import watched_agent
from tests.prometheus.alertmanager_server import AlertmanagerServer
from tests.prometheus.lossy_webhook import Fate, LossyWebhook, lossy_webhook
from tests.prometheus.sync_process import SyncProcess
from tests.prometheus_server import PrometheusServer, eventually, free_port
from tests.registry.process import RegistryProcess, registry_process
from tests.server_folder import server_folder

# Longer than Prometheus takes to let go of a target: it looks at a new list every 5 s.
PENDING_SECONDS = 7


class Watch:
    """A registry, an Alertmanager that tells it of alerts, and whatever else a test starts."""

    def __init__(
        self, folder: Path, registry: RegistryProcess, parts: ExitStack, fates: list[Fate]
    ) -> None:
        self.folder = folder
        self.registry = registry
        self._parts = parts
        self.keys = {role: self._key_file(role) for role in ("prometheus", "viewer")}
        self.keys["agent"] = self._key_file("agent", environment="production")
        self.webhook: LossyWebhook = parts.enter_context(lossy_webhook(registry.url, fates))
        self.alertmanager: AlertmanagerServer = parts.enter_context(self._alertmanager())

    def history(self, **filters: str) -> list[dict[str, Any]]:
        """The history of alerts, as people read it."""
        key = self.keys["viewer"].read_text()
        answer = self.registry.get(f"/api/v1/alerts?{urlencode(filters)}", key)
        assert answer.status == 200, answer.body
        return list(answer.body["items"])

    def post(self, url: str, body: object, key: str = "") -> Any:
        """Send JSON, answer JSON or None."""
        request = urllib.request.Request(url, json.dumps(body).encode())
        request.add_header("Content-Type", "application/json")
        request.add_header("Authorization", f"Bearer {key}")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or "null")

    def start_prometheus(self) -> PrometheusServer:
        """Prometheus with the shipped rules, and the sync that keeps its targets."""
        sync = SyncProcess(self.folder / "prometheus")
        self._parts.callback(sync.kill)
        for folder in ("rules", "targets"):
            (sync.folder / folder).mkdir(parents=True)
        self._place_key(sync.folder)
        for name, text in shipped_rules().items():
            rendered = render_rules(text, pending_seconds=PENDING_SECONDS)
            (sync.folder / "rules" / name).write_text(rendered)
        sync.start(self.registry.url, "--key-file", str(self.keys["prometheus"]))
        port = free_port()
        configuration = render_configuration(
            shipped_configuration(),
            scrape_interval_seconds=0.5,
            registry_address=self.registry.url.removeprefix("http://"),
            alertmanager_address=self.alertmanager.address,
            prometheus_address=f"127.0.0.1:{port}",
        )
        return self._parts.enter_context(PrometheusServer(sync.folder, configuration, port=port))

    def start_agent(self, name: str, port: int = 0) -> Started:
        """An agent that lives until it is killed or its input ends."""
        agent = watched_agent(
            name,
            self.folder,
            self.registry.url,
            self.keys["agent"],
            PULSEGUARD_METRICS_PORT=str(port),
        )
        return self._parts.enter_context(agent)

    def _alertmanager(self) -> AlertmanagerServer:
        configuration = render_alertmanager_configuration(
            shipped_alertmanager_configuration(),
            registry_address=self.webhook.address,
            group_interval_seconds=0.5,
            repeat_interval_seconds=1,
        )
        self._place_key(self.folder / "alertmanager")
        return AlertmanagerServer(self.folder / "alertmanager", configuration)

    def _place_key(self, folder: Path) -> None:
        (folder / "secrets").mkdir(parents=True)
        shutil.copy(self.keys["prometheus"], folder / "secrets" / "prometheus.key")

    def _key_file(self, role: str, **bound: str) -> Path:
        body = {"name": role, "role": role, **bound}
        made = self.post(f"{self.registry.url}/api/v1/keys", body, self.registry.admin_key())
        path = self.folder / f"{role}.key"
        path.write_text(made["key"])
        path.chmod(0o600)
        return path


@pytest.fixture(scope="module")
def registry() -> Iterator[RegistryProcess]:
    """A registry with its own PostgreSQL, in a folder that this can reach."""
    with server_folder() as folder, registry_process(folder, None) as registry:
        eventually(registry.is_ready)
        yield registry


@pytest.fixture
def fates() -> list[Fate]:
    """What becomes of the first deliveries."""
    return ["answer lost", "registry in trouble"]


@pytest.fixture
def watch(tmp_path: Path, registry: RegistryProcess, fates: list[Fate]) -> Iterator[Watch]:
    with ExitStack() as parts:
        yield Watch(tmp_path, registry, parts, fates)


def test_a_death_is_in_the_history_once_its_end_as_well_and_a_goodbye_never(watch: Watch) -> None:
    prometheus = watch.start_prometheus()
    port = free_port()
    mortal, polite = watch.start_agent("mortal", port), watch.start_agent("polite")
    eventually(lambda: len(prometheus.query('up{job="agents"} == 1')) == 2)
    agent_id = prometheus.query('up{agent="mortal"}')[0].labels["agent_id"]

    polite.end_input()
    mortal.kill()
    eventually(lambda: watch.history(alertname="AgentDown"), timeout_seconds=30)
    eventually(lambda: watch.webhook.deliveries.count(["firing"]) > 3)
    (down,) = watch.history(alertname="AgentDown")
    watch.start_agent("mortal", port)
    eventually(lambda: ["resolved"] in watch.webhook.deliveries)
    eventually(lambda: watch.history(status="resolved"))
    over, still_there = watch.history(alertname="AgentDown")

    told = {"last_told_at": still_there["last_told_at"], "fires": False}
    assert still_there == down | told
    assert [down["status"], over["status"]] == ["firing", "resolved"]
    assert [down["agent_id"], down["labels"]["agent"]] == [agent_id, "mortal"]
    assert down["severity"] == "critical"
    assert down["annotations"]["description"].startswith("mortal (only, production) does not")
    assert down["ends_at"] is None
    assert down["starts_at"] == over["starts_at"] < over["ends_at"]
    assert over["fingerprint"] == down["fingerprint"]


def test_a_dead_agent_whose_port_another_agent_took_is_down_and_has_no_numbers(
    watch: Watch,
) -> None:
    prometheus = watch.start_prometheus()
    port = free_port()
    dead = watch.start_agent("dead", port)
    eventually(lambda: prometheus.query('up{agent="dead"} == 1'))
    address = prometheus.targets("agents")[0]["scrapeUrl"].partition("?")[0]

    dead.kill()
    watch.start_agent("heir", port)
    eventually(lambda: prometheus.query('up{agent="heir"} == 1'))
    down = eventually(lambda: watch.history(alertname="AgentDown", status="firing"))

    assert "dead" in [alert["labels"]["agent"] for alert in down]
    assert prometheus.value('up{agent="dead"}') == 0
    assert prometheus.value('up{agent="heir"}') == 1
    assert {each["scrapeUrl"].partition("?")[0] for each in prometheus.targets("agents")} == {
        address
    }
    # One process is one process.
    assert prometheus.value('count(pulseguard_process_threads{job="agents"})') == 1


def test_an_alert_that_the_registry_could_not_take_is_told_until_it_can(watch: Watch) -> None:
    started_at = datetime.now(UTC).isoformat()
    alert = {"labels": {"alertname": "BudgetExceeded"}, "startsAt": started_at}

    watch.post(f"{watch.alertmanager.url}/api/v2/alerts", [alert])
    eventually(lambda: len(watch.webhook.deliveries) > 4)

    (entry,) = watch.history(alertname="BudgetExceeded")
    assert [entry["severity"], entry["agent_id"]] == ["", None]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_an_alert_that_fires_anew_after_alertmanager_was_away_is_recorded_at_once(
    watch: Watch, end: str
) -> None:
    # Each end has a history of its own in the one registry.
    name = f"CutOffBy{end.title()}"
    alerts = f"{watch.alertmanager.url}/api/v2/alerts"
    labels = {"alertname": name, "agent": "bot"}
    watch.post(alerts, [{"labels": labels, "startsAt": "2026-11-23T10:00:00Z"}])
    eventually(lambda: watch.history(alertname=name))
    began = watch.history(alertname=name)[0]["last_told_at"]
    eventually(lambda: watch.history(alertname=name)[0]["last_told_at"] > began)

    # It ends while nobody looks; Alertmanager keeps whom it told, and forgets of what.
    getattr(watch.alertmanager, end)()
    watch.alertmanager.start()
    assert watch.alertmanager.alerts() == []
    (lost,) = watch.history(alertname=name)
    watch.post(alerts, [{"labels": labels, "startsAt": "2026-11-23T10:01:00Z"}])
    eventually(lambda: len(watch.history(alertname=name)) == 2)
    (firing,) = watch.history(alertname=name, status="firing")

    assert firing["starts_at"].startswith("2026-11-23T10:01:00")
    assert firing["fingerprint"] == lost["fingerprint"]
    assert {**lost, "fires": False} == watch.history(alertname=name)[1]


def test_a_whole_fleet_is_told_alert_by_alert(watch: Watch) -> None:
    alerts = [
        {"labels": {"alertname": "AgentsDown", "agent": f"bot-{number}"}} for number in range(20)
    ]

    watch.post(f"{watch.alertmanager.url}/api/v2/alerts", alerts)
    eventually(lambda: len(watch.history(alertname="AgentsDown")) == 20)

    assert {len(delivery) for delivery in watch.webhook.deliveries} == {1}
