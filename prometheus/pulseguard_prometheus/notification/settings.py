"""The settings of notifications: flags of `pulseguard sync`, and variables for the receivers.

Secrets are named by file, never given by value: variables are seen in `ps` and in reports.
"""

import argparse
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

from pulseguard.web_address import is_web_address
from pulseguard_prometheus.errors import BadSetting
from pulseguard_prometheus.notification.fields import (
    checked_address,
    checked_addresses,
    checked_text,
    faults_of_text,
)

# The least severity of which people are told.
Severity = Literal["critical", "warning", "info"]
_SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
_PAGERDUTY_URL: Final = "https://events.pagerduty.com/v2/enqueue"
_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
_TLS_FROM_THE_FIRST_BYTE: Final = "465"


@dataclass(frozen=True)
class MailServer:
    """Who takes the e-mail of all receivers; `smarthost` is host:port."""

    smarthost: str
    sender: str
    user: str = ""
    password_file: Path | None = None
    require_tls: bool = True


@dataclass(frozen=True)
class Named:
    """The receivers that somebody has named: nobody, or at most one of each kind."""

    slack_webhook_file: Path | None = None
    slack_channel: str = ""
    pagerduty_key_file: Path | None = None
    email_to: str = ""
    webhook_file: Path | None = None


@dataclass(frozen=True)
class NotificationSettings:
    """Who is told of which alerts, by which ways; nothing of it was read from a file yet."""

    named: Named
    mail_server: MailServer
    registry_url: str
    registry_link: str
    grafana_link: str | None = None
    prometheus_link: str | None = None
    # By which Alertmanager is known to the registry; None where it takes alerts from everybody.
    key_file: Path | None = None
    teams_file: Path | None = None
    deadman_url_file: Path | None = None
    least_severity: Severity = "warning"
    pagerduty_url: str = _PAGERDUTY_URL


@dataclass(frozen=True)
class AlertmanagerPlace:
    """The Alertmanager that is kept: its configuration file, its address, and who checks it."""

    configuration: Path
    url: str
    amtool: Path


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that say which Alertmanager is kept."""
    group = parser.add_argument_group("Alertmanager", "whose receivers are in docs/settings.md")
    group.add_argument(
        "--alertmanager-config",
        metavar="FILE",
        help="its configuration, kept as the settings say; PULSEGUARD_ALERTMANAGER_CONFIG (none)",
    )
    group.add_argument(
        "--alertmanager-url",
        metavar="URL",
        help="where it answers; PULSEGUARD_ALERTMANAGER_URL (http://127.0.0.1:9093)",
    )
    group.add_argument(
        "--amtool",
        metavar="FILE",
        help="checks its configuration; PULSEGUARD_AMTOOL (amtool on PATH)",
    )


def read_place(
    given: argparse.Namespace, environment: Mapping[str, str]
) -> AlertmanagerPlace | None:
    """Answers which Alertmanager is kept, None where none is; raises BadSetting."""
    variables = ("alertmanager_config", "alertmanager_url", "amtool")
    configuration, url, amtool = (
        getattr(given, name) or environment.get(f"PULSEGUARD_{name.upper()}") for name in variables
    )
    if not configuration:
        return None
    link = _link("PULSEGUARD_ALERTMANAGER_URL", url or "http://127.0.0.1:9093")
    found = shutil.which(amtool or "amtool", path=environment.get("PATH"))
    if not found:
        raise BadSetting(
            f"{amtool or 'amtool'} is not there to check the configuration of Alertmanager: install"
            " Alertmanager, which brings it, or name it with --amtool or PULSEGUARD_AMTOOL"
        )
    return AlertmanagerPlace(Path(configuration).absolute(), link, Path(found).absolute())


def read_notification_settings(
    environment: Mapping[str, str],
    registry_url: str,
    *,
    key_file: Path | None = None,
    prometheus_url: str | None = None,
) -> NotificationSettings:
    """Raises BadSetting, which names the variable, its value and the mend."""
    grafana = environment.get("PULSEGUARD_GRAFANA_LINK")
    prometheus = environment.get("PULSEGUARD_PROMETHEUS_LINK") or prometheus_url
    registry = environment.get("PULSEGUARD_REGISTRY_LINK") or registry_url
    pagerduty = environment.get("PULSEGUARD_PAGERDUTY_URL") or _PAGERDUTY_URL
    return NotificationSettings(
        named=Named(
            slack_webhook_file=_file(environment, "PULSEGUARD_SLACK_WEBHOOK_FILE"),
            slack_channel=_text(environment, "PULSEGUARD_SLACK_CHANNEL"),
            pagerduty_key_file=_file(environment, "PULSEGUARD_PAGERDUTY_KEY_FILE"),
            email_to=checked_addresses(
                "PULSEGUARD_EMAIL_TO", environment.get("PULSEGUARD_EMAIL_TO", "")
            ),
            webhook_file=_file(environment, "PULSEGUARD_ALERT_WEBHOOK_FILE"),
        ),
        mail_server=_mail_server(environment),
        registry_url=registry_url,
        registry_link=_link("PULSEGUARD_REGISTRY_LINK", registry),
        grafana_link=_link("PULSEGUARD_GRAFANA_LINK", grafana) if grafana else None,
        prometheus_link=_link("PULSEGUARD_PROMETHEUS_LINK", prometheus) if prometheus else None,
        key_file=key_file,
        teams_file=_file(environment, "PULSEGUARD_TEAM_RECEIVERS_FILE"),
        deadman_url_file=_file(environment, "PULSEGUARD_DEADMAN_URL_FILE"),
        least_severity=_severity(environment.get("PULSEGUARD_NOTIFY_SEVERITY") or "warning"),
        pagerduty_url=_link("PULSEGUARD_PAGERDUTY_URL", pagerduty),
    )


def _mail_server(environment: Mapping[str, str]) -> MailServer:
    smarthost = _text(environment, "PULSEGUARD_EMAIL_SMARTHOST") or "localhost:25"
    host, colon, port = smarthost.rpartition(":")
    if not colon or not host or not _is_port(port) or "/" in smarthost:
        raise BadSetting(
            f"PULSEGUARD_EMAIL_SMARTHOST {smarthost!r}: write host:port, such as"
            " mail.example.org:587"
        )
    sender = environment.get("PULSEGUARD_EMAIL_FROM") or f"pulseguard@{socket.gethostname()}"
    user = _text(environment, "PULSEGUARD_EMAIL_USER")
    password_file = _file(environment, "PULSEGUARD_EMAIL_PASSWORD_FILE")
    if bool(user) != bool(password_file):
        raise BadSetting(
            "PULSEGUARD_EMAIL_USER and PULSEGUARD_EMAIL_PASSWORD_FILE: one is set and the other"
            " is not; set both, or neither"
        )
    required = environment.get("PULSEGUARD_EMAIL_REQUIRE_TLS") or (
        "0" if host in _LOOPBACK else "1"
    )
    if required not in ("0", "1"):
        raise BadSetting(f"PULSEGUARD_EMAIL_REQUIRE_TLS {required!r}: write 0 or 1")
    # Alertmanager asks for STARTTLS, which such a server has no need to offer.
    require_tls = required == "1" and port != _TLS_FROM_THE_FIRST_BYTE
    from_whom = checked_address("PULSEGUARD_EMAIL_FROM", sender)
    return MailServer(smarthost, from_whom, user, password_file, require_tls)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= 65535


def _severity(text: str) -> Severity:
    for severity in _SEVERITIES:
        if text == severity:
            return severity
    raise BadSetting(
        f"PULSEGUARD_NOTIFY_SEVERITY {text!r}: write {', '.join(_SEVERITIES[:-1])} or"
        f" {_SEVERITIES[-1]}, the least severity of which people are told"
    )


def _file(environment: Mapping[str, str], variable: str) -> Path | None:
    text = environment.get(variable)
    if not text:
        return None
    # Whoever puts the secret itself there has shown it already: it is not repeated here.
    if "://" in text or "\n" in text:
        raise BadSetting(f"{variable}: holds an address; write it into a file and name that here")
    return Path(checked_text(variable, text)).absolute()


def _text(environment: Mapping[str, str], variable: str) -> str:
    return checked_text(variable, environment.get(variable, ""))


def _link(variable: str, url: str) -> str:
    plain = not faults_of_text(url) and not set(url) & set(" \"'`<>|\\")
    if not plain or not is_web_address(url) or urlsplit(url).query or urlsplit(url).fragment:
        raise BadSetting(f"{variable} {url!r}: write it like https://registry.example.org")
    return url.rstrip("/")
