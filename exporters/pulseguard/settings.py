"""Where the exporter's settings come from: arguments, then the environment, read once."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final, cast, get_args
from urllib.parse import urlsplit

from pulseguard.catalog import Detail
from pulseguard.errors import ConfigurationError
from pulseguard.labels import clean_label
from pulseguard.quota import DEFAULT_LIMIT, LARGEST_LIMIT, SMALLEST_LIMIT

PREFIX: Final = "PULSEGUARD_"

Source = Mapping[str, object]
Refuse = Callable[[ConfigurationError], None]


@dataclass(frozen=True)
class Settings:
    """The settings of one agent; each is an argument of Agent or `PULSEGUARD_<NAME>`.

    `metrics_port` 0 takes any free port. `metrics_advertise` is the host:port told to the
    registry where it differs from what is listened on. `key` never shows in a repr.
    """

    registry_url: str | None = None
    key: str | None = field(default=None, repr=False)
    key_file: Path | None = None
    environment: str = "production"
    instance: str | None = None
    team: str = ""
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9464
    metrics_advertise: str | None = None
    detail: Detail = "lean"
    series_limit: int = DEFAULT_LIMIT
    heartbeat_seconds: float = 15.0
    snapshot_seconds: float = 60.0
    prices_file: Path | None = None


def environment_source(environ: Mapping[str, str]) -> Source:
    """The settings that the environment holds; an empty variable is one that is not set."""
    names = {field.name: PREFIX + field.name.upper() for field in fields(Settings)}
    return {name: environ[variable] for name, variable in names.items() if environ.get(variable)}


def read_settings(sources: Sequence[Source], refuse: Refuse) -> Settings:
    """The settings, each from the first source that has it (None: it has not).

    A value that cannot be used is given to `refuse`; when that returns, the default stands.
    """
    found: dict[str, object] = {}
    for name, parse in _PARSERS.items():
        value = _first(name, sources)
        if value is None:
            continue
        try:
            found[name] = parse(name, value)
        except ConfigurationError as error:
            refuse(error)
    return Settings(**found)  # type: ignore[arg-type]  # each parser returns its field's type


def _first(name: str, sources: Sequence[Source]) -> object:
    # A key and a key file are two ways to say one thing: a nearer source's file beats a
    # farther one's key.
    alike = ("key", "key_file") if name in ("key", "key_file") else (name,)
    for source in sources:
        if any(source.get(each) is not None for each in alike):
            return source.get(name)
    return None


def _identity(name: str, value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= 120:
        raise ConfigurationError(name, value, "give 1 to 120 characters")
    return clean_label(value.strip())


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > 120:
        raise ConfigurationError(name, value, "give at most 120 characters")
    return clean_label(value)


def _secret(name: str, value: object) -> str:
    # A header value: anything else would let the key break the request.
    if not isinstance(value, str) or not value.strip().isascii() or not value.strip().isprintable():
        raise ConfigurationError(name, "(hidden)", "give the key as the registry printed it")
    return value.strip()


def _path(name: str, value: object) -> Path:
    if not isinstance(value, str | Path):
        raise ConfigurationError(name, value, "give the path of a file")
    return Path(value)


def _url(name: str, value: object) -> str:
    mend = "give http://host:port or https://host:port, without user and password"
    if not isinstance(value, str):
        raise ConfigurationError(name, value, mend)
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in value or not value.isascii() or not value.isprintable():
        raise ConfigurationError(name, "(hidden)" if "@" in value else value, mend)
    return value.rstrip("/")


def _address(name: str, value: object) -> str:
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigurationError(name, value, "give host:port")
    return f"{host}:{port}"


def _port(name: str, value: object) -> int:
    number = _number(name, value, "give a port from 0 to 65535")
    if not number.is_integer() or not 0 <= number <= 65535:
        raise ConfigurationError(name, value, "give a port from 0 to 65535")
    return int(number)


def _limit(name: str, value: object) -> int:
    mend = f"give a whole number from {SMALLEST_LIMIT} to {LARGEST_LIMIT}"
    number = _number(name, value, mend)
    if not number.is_integer() or not SMALLEST_LIMIT <= number <= LARGEST_LIMIT:
        raise ConfigurationError(name, value, mend)
    return int(number)


def _seconds(name: str, value: object) -> float:
    mend = "give a number of seconds from 0.05 to 86400"
    number = _number(name, value, mend)
    if not 0.05 <= number <= 86400:
        raise ConfigurationError(name, value, mend)
    return number


def _number(name: str, value: object, mend: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ConfigurationError(name, value, mend)
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise ConfigurationError(name, value, mend) from None
    if not math.isfinite(number):
        raise ConfigurationError(name, value, mend)
    return number


def _detail(name: str, value: object) -> Detail:
    if isinstance(value, str) and value in get_args(Detail):
        return cast(Detail, value)
    raise ConfigurationError(name, value, 'give "lean" or "standard"')


_PARSERS: Final[dict[str, Callable[[str, object], object]]] = {
    "registry_url": _url,
    "key": _secret,
    "key_file": _path,
    "environment": _identity,
    "instance": _identity,
    "team": _text,
    "metrics_host": _text,
    "metrics_port": _port,
    "metrics_advertise": _address,
    "detail": _detail,
    "series_limit": _limit,
    "heartbeat_seconds": _seconds,
    "snapshot_seconds": _seconds,
    "prices_file": _path,
}
