"""The settings of `pulseguard sync`: by flag, then by variable, then the default."""

import argparse
import math
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pulseguard_prometheus.errors import BadSetting
from pulseguard_prometheus.notification.settings import (
    AlertmanagerPlace,
    NotificationSettings,
    add_flags,
    read_notification_settings,
    read_place,
)

_RULES_INTERVAL_SECONDS: Final = 15.0


@dataclass(frozen=True)
class ServerAddress:
    """Where a server answers."""

    scheme: str
    host: str
    port: int | None
    path: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{host}{port}{self.path}"


@dataclass(frozen=True)
class Settings:
    """What one sync does, and for whom."""

    registry: ServerAddress
    targets_file: Path
    key_file: Path | None
    interval_seconds: float
    prometheus_url: ServerAddress | None
    prometheus_name: str
    # None where no rules, or no Alertmanager, are kept.
    rules_dir: Path | None
    promtool: Path | None
    alertmanager: AlertmanagerPlace | None
    notification: NotificationSettings
    alive_file: Path | None
    is_watchdog_on: bool

    @property
    def rules_interval_seconds(self) -> float:
        """How often rules are asked for and told: the registry believes what it is told for 60 s,
        however seldom the targets may be asked for."""
        return min(self.interval_seconds, _RULES_INTERVAL_SECONDS)


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Raises BadSetting, which names the flag or variable, its value and what is wrong with it."""
    given = _parser().parse_args(arguments)
    url = _chosen(given.registry_url, environment, "PULSEGUARD_REGISTRY_URL")
    targets_file = _chosen(given.targets_file, environment, "PULSEGUARD_TARGETS_FILE")
    key_file = _chosen(given.key_file, environment, "PULSEGUARD_KEY_FILE")
    interval = _chosen(given.interval, environment, "PULSEGUARD_SYNC_INTERVAL_SECONDS")
    prometheus = _chosen(given.prometheus_url, environment, "PULSEGUARD_PROMETHEUS_URL")
    name = _chosen(given.prometheus_name, environment, "PULSEGUARD_PROMETHEUS_NAME")
    alive_file = _chosen(given.alive_file, environment, "PULSEGUARD_ALIVE_FILE")
    watchdog = _chosen(given.watchdog, environment, "PULSEGUARD_WATCHDOG")
    rules_dir = _chosen(given.rules_dir, environment, "PULSEGUARD_RULES_DIR")
    promtool = _chosen(given.promtool, environment, "PULSEGUARD_PROMTOOL")
    if rules_dir and not prometheus:
        raise BadSetting(
            f"rules folder {rules_dir}: name the Prometheus that reads it as well, with"
            " --prometheus-url or PULSEGUARD_PROMETHEUS_URL"
        )
    if not targets_file:
        raise BadSetting("no targets file named: use --targets-file or PULSEGUARD_TARGETS_FILE")
    registry = _address(url or "http://127.0.0.1:8000")
    key = Path(key_file).absolute() if key_file else None
    reader = _address(prometheus, "Prometheus URL") if prometheus else None
    return Settings(
        registry=registry,
        targets_file=Path(targets_file).absolute(),
        key_file=key,
        interval_seconds=_interval(interval or "1"),
        prometheus_url=reader,
        prometheus_name=_name(name or socket.gethostname()),
        rules_dir=Path(rules_dir).absolute() if rules_dir else None,
        promtool=_program(promtool) if promtool else None,
        alertmanager=read_place(given, environment),
        notification=read_notification_settings(
            environment,
            str(registry),
            key_file=key,
            prometheus_url=str(reader) if reader else None,
        ),
        alive_file=Path(alive_file).absolute() if alive_file else None,
        is_watchdog_on=_is_on(watchdog or "on"),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pulseguard sync",
        description="Keeps the registry's target list and rules as files that Prometheus reads.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--registry-url", metavar="URL", help="PULSEGUARD_REGISTRY_URL (http://127.0.0.1:8000)"
    )
    parser.add_argument(
        "--targets-file", metavar="FILE", help="the file to keep; PULSEGUARD_TARGETS_FILE"
    )
    parser.add_argument(
        "--key-file",
        metavar="FILE",
        help="holds a key of the role prometheus; read again when it changes; PULSEGUARD_KEY_FILE",
    )
    parser.add_argument(
        "--interval",
        metavar="SECONDS",
        help="between questions; PULSEGUARD_SYNC_INTERVAL_SECONDS (1)",
    )
    parser.add_argument(
        "--prometheus-url",
        metavar="URL",
        help="the registry is told what this one scrapes; PULSEGUARD_PROMETHEUS_URL (none)",
    )
    parser.add_argument(
        "--prometheus-name",
        metavar="NAME",
        help="by which the registry tells it from others; PULSEGUARD_PROMETHEUS_NAME (host name)",
    )
    parser.add_argument(
        "--rules-dir",
        metavar="FOLDER",
        help="keeps the registry's rules there and has Prometheus load them;"
        " PULSEGUARD_RULES_DIR (none)",
    )
    parser.add_argument(
        "--promtool",
        metavar="PROGRAM",
        help="checks rules before they are loaded; PULSEGUARD_PROMTOOL (the one on PATH)",
    )
    parser.add_argument(
        "--alive-file",
        metavar="FILE",
        help="its time is set every 2 s as long as all goes on, for a health check;"
        " PULSEGUARD_ALIVE_FILE (none)",
    )
    parser.add_argument(
        "--watchdog",
        metavar="on|off",
        help="ends this process where it hangs, to be started again; PULSEGUARD_WATCHDOG (on)",
    )
    add_flags(parser)
    return parser


def _chosen(flag: str | None, environment: Mapping[str, str], variable: str) -> str | None:
    return flag if flag is not None else environment.get(variable)


def _address(url: str, what: str = "registry URL") -> ServerAddress:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as problem:
        raise BadSetting(f"{what} {url!r}: {problem}") from problem
    if parts.username or parts.password:
        raise BadSetting(f"{what}: carries a user or password; leave them out of the URL")
    plain = not parts.query and not parts.fragment and url.isascii() and url.isprintable()
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain or " " in url:
        raise BadSetting(f"{what} {url!r}: write it like http://{_EXAMPLES[what]}")
    return ServerAddress(parts.scheme, parts.hostname, port, parts.path.rstrip("/"))


_EXAMPLES = {"registry URL": "registry:8000", "Prometheus URL": "127.0.0.1:9090"}


def _program(text: str) -> Path:
    """A path, or the name of a program on PATH."""
    return Path(text).absolute() if "/" in text else Path(text)


def _name(text: str) -> str:
    if not text.strip() or not text.isprintable() or "/" in text or len(text) > 120:
        raise BadSetting(f"Prometheus name {text!r}: write 1 to 120 characters without a slash")
    return text


def _is_on(text: str) -> bool:
    if text not in ("on", "off"):
        raise BadSetting(f"watchdog {text!r}: write on or off (PULSEGUARD_WATCHDOG, --watchdog)")
    return text == "on"


def _interval(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.05 <= seconds <= 3600:
        raise BadSetting(f"interval {text!r}: write a number of seconds from 0.05 to 3600")
    return seconds
