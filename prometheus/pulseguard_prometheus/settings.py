"""The settings of `pulseguard sync`: by flag, then by variable, then the default."""

import argparse
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pulseguard_prometheus.errors import BadSetting


@dataclass(frozen=True)
class RegistryAddress:
    """Where the registry answers."""

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

    registry: RegistryAddress
    targets_file: Path
    key_file: Path | None
    interval_seconds: float


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Raises BadSetting, which names the flag or variable, its value and what is wrong with it."""
    given = _parser().parse_args(arguments)
    url = _chosen(given.registry_url, environment, "PULSEGUARD_REGISTRY_URL")
    targets_file = _chosen(given.targets_file, environment, "PULSEGUARD_TARGETS_FILE")
    key_file = _chosen(given.key_file, environment, "PULSEGUARD_KEY_FILE")
    interval = _chosen(given.interval, environment, "PULSEGUARD_SYNC_INTERVAL_SECONDS")
    if not targets_file:
        raise BadSetting("no targets file named: use --targets-file or PULSEGUARD_TARGETS_FILE")
    return Settings(
        registry=_address(url or "http://127.0.0.1:8000"),
        targets_file=Path(targets_file).absolute(),
        key_file=Path(key_file).absolute() if key_file else None,
        interval_seconds=_interval(interval or "1"),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pulseguard sync",
        description="Keeps the registry's target list as a file that Prometheus reads.",
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
    return parser


def _chosen(flag: str | None, environment: Mapping[str, str], variable: str) -> str | None:
    return flag if flag is not None else environment.get(variable)


def _address(url: str) -> RegistryAddress:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as problem:
        raise BadSetting(f"registry URL {url!r}: {problem}") from problem
    if parts.username or parts.password:
        raise BadSetting("registry URL: carries a user or password; name a --key-file instead")
    plain = not parts.query and not parts.fragment and url.isascii() and url.isprintable()
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain or " " in url:
        raise BadSetting(f"registry URL {url!r}: write it like http://registry:8000")
    return RegistryAddress(parts.scheme, parts.hostname, port, parts.path.rstrip("/"))


def _interval(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0.05 <= seconds <= 3600:
        raise BadSetting(f"interval {text!r}: write a number of seconds from 0.05 to 3600")
    return seconds
