"""An Alertmanager with a receiver of each kind, and who is told by them."""

import json
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pulseguard_prometheus.configuration import shipped_alertmanager_configuration
from pulseguard_prometheus.notification.files import claimed_files
from pulseguard_prometheus.notification.routes import Times
from pulseguard_prometheus.notification.settings import (
    AlertmanagerPlace,
    read_notification_settings,
)
from pulseguard_prometheus.notification.sync import AlertmanagerSync
from pulseguard_stack.programs import find_program
from tests.prometheus.alertmanager_server import AlertmanagerServer
from tests.prometheus.sinks import MailSink, WebSink, mail_sink, web_sink

# The first is waited for only where an alert has just begun: long enough for a whole fleet's.
SHORT = Times("5s", "500ms", "1h", "500ms", "300ms")
GRAFANA = "http://grafana.example.org"


def agent_id(number: int) -> str:
    return f"61ec8b29-a595-5aea-b2c3-{number:012d}"


# Any: an alert, as Alertmanager's API takes it.
def alert(name: str, severity: str = "critical", agent: int = 1, **labels: str) -> dict[str, Any]:
    said = {
        "summary": f"{name} has happened.",
        "description": f"It happened to bot-{agent}.",
        "value": "42 ms",
        "threshold": "7 ms",
        "runbook_url": f"docs/runbooks.md#{name.lower()}",
    }
    marks = {
        "alertname": name,
        "severity": severity,
        "agent": f"bot-{agent}",
        "instance": "web-1",
        "environment": "production",
        "agent_id": agent_id(agent),
    }
    return {
        "labels": marks | labels,
        "annotations": said,
        "startsAt": "2026-11-23T10:00:00Z",
        "endsAt": "2099-01-01T00:00:00Z",
    }


class Told:
    """An Alertmanager with a receiver of each kind, and who is told by them."""

    def __init__(self, folder: Path, parts: ExitStack) -> None:
        self.folder = folder
        self.web: WebSink = parts.enter_context(web_sink())
        self.mail: MailSink = parts.enter_context(mail_sink())
        (folder / "secrets").mkdir(parents=True)
        (folder / "secrets" / "prometheus.key").write_text("key")
        self.server = parts.enter_context(
            AlertmanagerServer(folder, shipped_alertmanager_configuration())
        )
        self.files = parts.enter_context(claimed_files(self.server.configuration_file))
        self.keep(self.environment())

    def environment(self) -> dict[str, str]:
        """The settings of all receivers."""
        return {
            "PULSEGUARD_SLACK_WEBHOOK_FILE": self.secret("slack", f"{self.web.url}/slack"),
            "PULSEGUARD_SLACK_CHANNEL": "#alerts",
            "PULSEGUARD_PAGERDUTY_KEY_FILE": self.secret("pagerduty", "k" * 32),
            "PULSEGUARD_PAGERDUTY_URL": f"{self.web.url}/pagerduty",
            "PULSEGUARD_EMAIL_TO": "ops@example.org, boss@example.org",
            "PULSEGUARD_EMAIL_FROM": "pulseguard@example.org",
            "PULSEGUARD_EMAIL_SMARTHOST": self.mail.address,
            "PULSEGUARD_ALERT_WEBHOOK_FILE": self.secret("webhook", f"{self.web.url}/webhook"),
            "PULSEGUARD_DEADMAN_URL_FILE": self.secret("deadman", f"{self.web.url}/deadman"),
            "PULSEGUARD_GRAFANA_LINK": GRAFANA,
        }

    def secret(self, name: str, text: str) -> str:
        """The file of a secret."""
        path = self.folder / f"{name}.secret"
        path.write_text(f"{text}\n")
        return str(path)

    def keep(self, environment: dict[str, str]) -> AlertmanagerSync:
        """Has Alertmanager take these settings, once."""
        settings = read_notification_settings(environment, self.web.url)
        amtool = find_program("amtool")
        place = AlertmanagerPlace(self.server.configuration_file, self.server.url, amtool)
        keeping = AlertmanagerSync(settings, place, self.files, times=SHORT)
        keeping.run_once()
        return keeping

    # Any: see alert().
    def fire(self, *alerts: dict[str, Any]) -> None:
        request = urllib.request.Request(
            f"{self.server.url}/api/v2/alerts", json.dumps(alerts).encode()
        )
        request.add_header("Content-Type", "application/json")
        urllib.request.urlopen(request, timeout=10).close()

    # Any: JSON.
    def slack(self, name: str) -> list[dict[str, Any]]:
        """What Slack was told of alerts of this name."""
        sent = [body["attachments"][0] for body in self.web.on("/slack")]
        return [each for each in sent if f" {name}" in each["title"]]

    # Any: JSON.
    def webhook(self, name: str, path: str = "/webhook") -> list[dict[str, Any]]:
        """What a webhook was told likewise."""
        return [body for body in self.web.on(path) if body["commonLabels"].get("alertname") == name]

    # Any: JSON.
    def pagerduty(self, name: str) -> list[dict[str, Any]]:
        """What PagerDuty was told likewise."""
        sent = self.web.on("/pagerduty")
        return [each for each in sent if f" {name}" in each["payload"]["summary"]]

    def mails(self, name: str) -> list[tuple[str, str, str]]:
        """Subject, plain text and HTML of the e-mails likewise."""
        return [
            (
                str(mail["Subject"]),
                *(mail.get_body([kind]).get_content() for kind in ("plain", "html")),  # type: ignore[union-attr]
            )
            for mail in self.mail.mails
            if f" {name}" in str(mail["Subject"])
        ]
