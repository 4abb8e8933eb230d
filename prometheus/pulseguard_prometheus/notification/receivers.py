"""The receivers for people, as Alertmanager's configuration has them, with their secrets found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pulseguard_prometheus.notification.secret_files import read_secret, read_secret_url
from pulseguard_prometheus.notification.settings import MailServer, Named, NotificationSettings
from pulseguard_prometheus.notification.teams_file import read_teams

Kind = Literal["slack", "pagerduty", "email", "webhook"]
SLACK_WEBHOOK: Final = "the address of a Slack webhook"
PAGERDUTY_KEY: Final = "an integration key of PagerDuty (Events API v2)"
PASSWORD: Final = "the password of the mail server"
WEBHOOK: Final = "the address of a webhook"
DEADMAN: Final = "the address that is to be called as long as all is well"


@dataclass(frozen=True)
class Receiver:
    """One way to reach people: all of them, or those of one team."""

    kind: Kind
    # Any: a part of Alertmanager's configuration, as YAML has it.
    configuration: dict[str, Any]
    team: str | None = None

    @property
    def name(self) -> str:
        return self.kind if self.team is None else f"{self.kind}/{self.team}"


@dataclass(frozen=True)
class Receivers:
    """Everybody who is told; `deadman` is the address of the dead man's switch."""

    people: Sequence[Receiver] = ()
    deadman: str | None = None


def read_receivers(settings: NotificationSettings) -> Receivers:
    """Reads the files that the settings name.

    Raises NotificationTrouble, which names setting, file and mend, and never a secret.
    """
    people = [*_receivers(settings.named, settings, None)]
    if settings.teams_file:
        for team, named in read_teams(settings.teams_file).items():
            people += _receivers(named, settings, team)
    deadman = None
    if settings.deadman_url_file:
        deadman = read_secret_url("PULSEGUARD_DEADMAN_URL_FILE", settings.deadman_url_file, DEADMAN)
    return Receivers(people, deadman)


def _receivers(
    named: Named, settings: NotificationSettings, team: str | None
) -> Iterator[Receiver]:
    def setting(variable: str, field: str) -> str:
        return variable if team is None else f"teams.{team}.{field} in {settings.teams_file}"

    if file := named.slack_webhook_file:
        read_secret_url(
            setting("PULSEGUARD_SLACK_WEBHOOK_FILE", "slack.webhook_file"), file, SLACK_WEBHOOK
        )
        yield Receiver("slack", _slack(file, named.slack_channel), team)
    if file := named.pagerduty_key_file:
        read_secret(
            setting("PULSEGUARD_PAGERDUTY_KEY_FILE", "pagerduty.key_file"), file, PAGERDUTY_KEY
        )
        yield Receiver("pagerduty", _pagerduty(file, settings.pagerduty_url), team)
    if named.email_to:
        server = settings.mail_server
        if server.password_file:
            read_secret("PULSEGUARD_EMAIL_PASSWORD_FILE", server.password_file, PASSWORD)
        yield Receiver("email", _email(named.email_to, server), team)
    if file := named.webhook_file:
        url = read_secret_url(
            setting("PULSEGUARD_ALERT_WEBHOOK_FILE", "webhook.url_file"), file, WEBHOOK
        )
        yield Receiver("webhook", _webhook(url), team)


# Any: see Receiver.
def _slack(webhook_file: Path, channel: str) -> dict[str, Any]:
    return {
        "api_url_file": str(webhook_file),
        **({"channel": channel} if channel else {}),
        "send_resolved": True,
        "http_config": {"follow_redirects": False},
        "username": "PulseGuard",
        "title": '{{ template "pulseguard.slack.title" . }}',
        "fallback": '{{ template "pulseguard.slack.title" . }}',
        "text": '{{ template "pulseguard.slack.text" . }}',
        # Where markup counts: in nothing that has the text of others.
        "mrkdwn_in": ["pretext"],
    }


# Any: see Receiver.
def _pagerduty(key_file: Path, url: str) -> dict[str, Any]:
    return {
        "routing_key_file": str(key_file),
        "url": url,
        "send_resolved": True,
        "http_config": {"follow_redirects": False},
        "client": "PulseGuard",
        "description": '{{ template "pulseguard.title" . }}',
        "severity": '{{ template "pulseguard.pagerduty.severity" . }}',
        "details": {
            "firing": '{{ template "pulseguard.text" . }}',
            "resolved": "",
        },
    }


# Any: see Receiver.
def _email(to: str, server: MailServer) -> dict[str, Any]:
    sign_in = {}
    if server.password_file:
        sign_in = {"auth_username": server.user, "auth_password_file": str(server.password_file)}
    return {
        "to": to,
        "from": server.sender,
        "smarthost": server.smarthost,
        **sign_in,
        "require_tls": server.require_tls,
        "send_resolved": True,
        "headers": {"Subject": '{{ template "pulseguard.title" . }}'},
        "text": '{{ template "pulseguard.text" . }}',
        "html": '{{ template "pulseguard.email.html" . }}',
    }


# Any: see Receiver.
def _webhook(url: str) -> dict[str, Any]:
    # 0.25 cannot read the address from a file.
    return {"url": url, "send_resolved": True, "http_config": {"follow_redirects": False}}
