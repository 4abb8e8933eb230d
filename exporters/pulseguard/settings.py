"""Where the exporter's settings come from: arguments, then the environment, read once."""

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, cast, get_args

from pulseguard.catalog import Detail
from pulseguard.errors import ConfigurationError
from pulseguard.recording.labels import clean_label
from pulseguard.recording.quota import DEFAULT_LIMIT, LARGEST_LIMIT, SMALLEST_LIMIT

if TYPE_CHECKING:
    from pathlib import Path

PREFIX: Final = "PULSEGUARD_"
SHORTEST_SECONDS: Final = 0.05
LONGEST_SECONDS: Final = 86_400
LONGEST_PATIENCE_SECONDS: Final = 604_800

_SECRET: Final = frozenset({"key", "metrics_token"})
# Whoever wanted /metrics closed does not get it open for a slip of the pen.
_CLOSING: Final = frozenset({"metrics_token", "metrics_token_file"})

Source = Mapping[str, object]
Refuse = Callable[[ConfigurationError], None]


class Spelled(dict[str, object]):
    """A source whose settings a complaint calls by the name that they have there."""

    def __init__(self, values: Source, spell: Callable[[str], str]) -> None:
        super().__init__(values)
        self.spell = spell


class Settings(NamedTuple):
    """The settings of one agent; each is an argument of Agent or `PULSEGUARD_<NAME>`.

    `metrics_port` 0 takes any free port. `metrics_advertise` is the host:port told to the
    registry where it differs from what is listened on. With a `metrics_token`, /metrics wants it as
    `Authorization: Bearer`. `key` and `metrics_token` never show in a repr.
    """

    registry_url: str | None = None
    key: str | None = None
    key_file: "Path | None" = None
    key_folder: "Path | None" = None
    environment: str = "production"
    instance: str | None = None
    team: str = ""
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9464
    metrics_advertise: str | None = None
    metrics_token: str | None = None
    metrics_token_file: "Path | None" = None
    detail: Detail = "lean"
    series_limit: int = DEFAULT_LIMIT
    heartbeat_seconds: float = 15.0
    snapshot_seconds: float = 60.0
    stuck_after_seconds: float = 300.0
    prices_file: "Path | None" = None

    def __repr__(self) -> str:
        told = {name: value for name, value in self._asdict().items() if name not in _SECRET}
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in told.items())})"


def environment_source(environ: Mapping[str, str]) -> Source:
    """The settings that the environment holds; an empty variable is one that is not set."""
    names = {name: variable(name) for name in Settings._fields}
    return Spelled({name: environ[of] for name, of in names.items() if environ.get(of)}, variable)


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def read_settings(sources: Sequence[Source], refuse: Refuse) -> Settings:
    """The settings, each from the first source that has it (None: it has not).

    A value that cannot be used is given to `refuse`, under the name that it has in its source;
    when that returns, the default stands.
    """
    found: dict[str, object] = {}
    for name, parse in _PARSERS.items():
        source = _nearest(name, sources)
        value = source.get(name)
        if value is None:
            continue
        try:
            found[name] = parse(name, _plain(name, value))
        except ConfigurationError as error:
            spelled = source.spell(name) if isinstance(source, Spelled) else name
            refuse(ConfigurationError(spelled, error.value, error.mend))
            if name in _CLOSING:
                found.setdefault("metrics_token", os.urandom(16).hex())
    return Settings(**found)  # type: ignore[arg-type]  # each parser returns its field's type


def stand_in(field: str) -> str:
    """What becomes of a field whose value was refused, in words; as the complaint spells it."""
    name = field.partition(" ")[0].removeprefix(PREFIX).lower()
    if name in _CLOSING:
        return "/metrics opens to nobody"
    if name not in Settings._fields:
        return "its default is used"
    default = Settings._field_defaults[name]
    return "it is taken as not set" if default in (None, "") else f"its default {default!r} is used"


def _plain(name: str, value: object) -> object:
    """The value, if it is text, a number or a path: nothing else is asked what it is."""
    kind = type(value)
    if issubclass(kind, str):
        return str.__str__(value)
    if kind is bool or issubclass(kind, os.PathLike):
        return value
    if issubclass(kind, int):
        return int.__index__(cast(int, value))
    if issubclass(kind, float):
        return float.__float__(cast(float, value))
    raise ConfigurationError(name, value, "give text, a number or a path")


def _nearest(name: str, sources: Sequence[Source]) -> Source:
    # A key and a key file are two ways to say one thing: a nearer source's file beats a
    # farther one's key.
    alike = next((pair for pair in _ALIKE if name in pair), (name,))
    for source in sources:
        if any(source.get(each) is not None for each in alike):
            return source
    return {}


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
        raise ConfigurationError(name, "(hidden)", "give it as it was printed: characters of ASCII")
    return value.strip()


def _path(name: str, value: object) -> "Path":
    from pathlib import Path  # here: few name a file, and all pay for an import

    if not isinstance(value, str | Path):
        raise ConfigurationError(name, value, "give the path of a file")
    return Path(value)


def _url(name: str, value: object) -> str:
    from pulseguard.web_address import is_web_address  # here, as above

    mend = "give http://host:port or https://host:port, without user and password"
    if not isinstance(value, str):
        raise ConfigurationError(name, value, mend)
    if not is_web_address(value):
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
    mend = f"give a number of seconds from {SHORTEST_SECONDS} to {LONGEST_SECONDS}"
    number = _number(name, value, mend)
    if not SHORTEST_SECONDS <= number <= LONGEST_SECONDS:
        raise ConfigurationError(name, value, mend)
    return number


def _patience(name: str, value: object) -> float:
    mend = f"give a number of seconds up to {LONGEST_PATIENCE_SECONDS}, or 0 for never"
    number = _number(name, value, mend)
    if not 0 <= number <= LONGEST_PATIENCE_SECONDS:
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


_ALIKE: Final = (("key", "key_file"), ("metrics_token", "metrics_token_file"))
_PARSERS: Final[dict[str, Callable[[str, object], object]]] = {
    "registry_url": _url,
    "key": _secret,
    "key_file": _path,
    "key_folder": _path,
    "environment": _identity,
    "instance": _identity,
    "team": _text,
    "metrics_host": _text,
    "metrics_port": _port,
    "metrics_advertise": _address,
    "metrics_token": _secret,
    "metrics_token_file": _path,
    "detail": _detail,
    "series_limit": _limit,
    "heartbeat_seconds": _seconds,
    "snapshot_seconds": _seconds,
    "stuck_after_seconds": _patience,
    "prices_file": _path,
}
