"""The registry's settings: environment variables, read once at start."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from pulseguard.web_address import is_web_address
from pulseguard_registry.access.given_files import GivenFile, parse_given_files
from pulseguard_registry.access.tokens import without_keys
from pulseguard_registry.data_dir import default_data_dir
from pulseguard_registry.discovery.labels import check_label_name
from pulseguard_registry.errors import ConfigurationError
from pulseguard_registry.logs import LogFormat, LogLevel
from pulseguard_registry.pepper import check_pepper

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Private and unique-local networks; link-local (cloud metadata) is refused whatever is listed here.
PRIVATE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")


def _split(value: object) -> object:
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
LabelNames = Annotated[
    tuple[Annotated[str, AfterValidator(check_label_name)], ...],
    NoDecode,
    BeforeValidator(_split),
]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_split)]
KeyFiles = Annotated[tuple[GivenFile, ...], NoDecode, BeforeValidator(parse_given_files)]


def _usable_link(text: str) -> str | None:
    if not text:
        return None
    if not is_web_address(text):
        raise ValueError("is no address of a page; give http://host:port, without user or password")
    return text


# For people, as a browser reaches it; empty is none.
Link = Annotated[str, AfterValidator(_usable_link)] | None


def _usable_server(text: str) -> str | None:
    if not text:
        return None
    if not is_web_address(text):
        raise ValueError("is no address of a server; give http://host:port, without password")
    return text.rstrip("/")


# As the registry reaches it; empty is none.
Server = Annotated[str, AfterValidator(_usable_server)] | None
Rate = Annotated[float, Field(ge=1, le=1_000_000, allow_inf_nan=False)]


class Settings(BaseSettings):
    """Each field is the environment variable `PULSEGUARD_<FIELD>`; `DATABASE_URL` has no prefix."""

    model_config = SettingsConfigDict(env_prefix="PULSEGUARD_", populate_by_name=True)

    database_url: str | None = Field(None, validation_alias="DATABASE_URL")
    database_url_file: Path | None = Field(None, validation_alias="DATABASE_URL_FILE")
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    log_format: LogFormat = "text"
    log_level: LogLevel = "info"
    access_control: Literal["on", "off"] = "on"
    watchdog: Literal["on", "off"] = "on"
    request_seconds: float = Field(14, gt=0, le=300, allow_inf_nan=False)
    data_dir: Path = Field(default_factory=default_data_dir)
    pepper: str | None = Field(None, min_length=32, repr=False)
    pepper_file: Path | None = None
    given_keys: KeyFiles = ()
    offline_after_seconds: float = Field(45, gt=0, le=86_400, allow_inf_nan=False)
    discovery_grace_seconds: float = Field(900, ge=0, le=86_400, allow_inf_nan=False)
    snapshot_retention_days: int = Field(7, ge=1, le=3650)
    rate_limit_per_second: Rate = 200
    agent_rate_limit_per_second: Rate = 2000
    own_key_rate_limit_per_second: Rate = 20
    refused_rate_limit_per_second: Rate = 50
    audit_retention_days: int = Field(90, ge=1, le=3650)
    event_retention_days: int = Field(90, ge=1, le=3650)
    alert_retention_days: int = Field(90, ge=1, le=3650)
    retire_silent_days: int = Field(7, ge=0, le=3650)
    retire_stopped_days: int = Field(1, ge=0, le=3650)
    own_key_unused_days: int = Field(30, ge=0, le=3650)
    key_retention_days: int = Field(30, ge=1, le=3650)
    target_labels: LabelNames = Field((), max_length=2)
    allowed_networks: Networks = tuple(ipaddress.ip_network(n) for n in PRIVATE_NETWORKS)
    allowed_host_suffixes: Names = ()
    alertmanager_url: Server = None
    prometheus_url: Server = None
    prometheus_link: Link = None
    grafana_link: Link = None

    @property
    def listens_on_loopback(self) -> bool:
        """Whether only this machine can reach the registry."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def resolved_database_url(self) -> str | None:
        """The PostgreSQL URL from `DATABASE_URL` or its file; None means the embedded server."""
        return self.database_url or _secret_from(self.database_url_file, "DATABASE_URL_FILE")

    def resolved_pepper(self) -> str | None:
        """The pepper from its variable or file; None means the one kept in the data folder."""
        given = self.pepper or _secret_from(self.pepper_file, "PULSEGUARD_PEPPER_FILE")
        if given is not None:
            check_pepper(given, "PULSEGUARD_PEPPER or PULSEGUARD_PEPPER_FILE")
        return given

    @property
    def gives_admin_key(self) -> bool:
        """Whether a file gives an admin key, so that the registry makes none."""
        return any(file.role == "admin" for file in self.given_keys)

    def keeps_nothing(self) -> bool:
        """Whether all that the data folder is for is given otherwise."""
        given = self.resolved_database_url(), self.resolved_pepper()
        return self.gives_admin_key and None not in given

    def check_reach(self) -> None:
        """ConfigurationError where others than this machine would be admins without a key."""
        if self.access_control == "off" and not self.listens_on_loopback:
            raise ConfigurationError(
                f"PULSEGUARD_ACCESS_CONTROL=off with PULSEGUARD_HOST={self.host}: whoever reaches"
                " this address would be an admin; listen on 127.0.0.1, or leave access control on"
            )


def read_settings(**flags: object) -> Settings:
    """Read the environment, flags first; ConfigurationError names every setting that is wrong, by
    its flag where that gave it."""
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks the values
    except ValidationError as error:
        faults = "; ".join(
            _sentence(str(fault["loc"][0]), fault["input"], fault["msg"], given)
            for fault in error.errors()
        )
        raise ConfigurationError(faults) from None


def _secret_from(path: Path | None, variable: str) -> str | None:
    if path is None:
        return None
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"{variable}={path}: cannot be read ({error.strerror})") from None


def _sentence(field: str, value: object, message: str, flags: Collection[str]) -> str:
    if field in flags:
        return without_keys(f"--{field} {value}: {message}")
    name = field.upper()
    variable = name if name.startswith("DATABASE_URL") else f"PULSEGUARD_{name}"
    is_secret = "PEPPER" in name or "URL" in name or "@" in str(value)
    shown = "…" if is_secret else repr(value)
    return without_keys(f"{variable}={shown}: {message}")
