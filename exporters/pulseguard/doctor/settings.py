"""The settings as an agent started here would find them, and where each came from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pulseguard.errors import ConfigurationError
from pulseguard.settings import PREFIX, Settings, Source, environment_source, read_settings
from pulseguard.settings_file import settings_file, with_file

_DEFAULT: Final = "default"


@dataclass(frozen=True)
class Found:
    """The settings, the word for the source of each, and what was refused on the way."""

    settings: Settings
    origins: Mapping[str, str]
    prometheus_url: str | None
    note: str = ""

    def origin(self, name: str) -> str:
        """Where this setting came from: a flag, a variable, the file of `make up`, the default."""
        return self.origins.get(name, _DEFAULT)

    def spelled(self, name: str) -> str:
        """What a complaint calls it."""
        origin = self.origin(name)
        return f"{name} in {origin}" if "/" in origin else origin


def find_settings(flags: Source, prometheus_url: str | None, environ: Mapping[str, str]) -> Found:
    """What the exporter would find; ConfigurationError where a value cannot be used.

    The order is the exporter's: argument (here a flag), variable, file of `make up`.
    """
    path = settings_file(environ)
    refused: list[ConfigurationError] = []
    sources = with_file([flags, environment_source(environ)], path, refused.append)
    origins: dict[str, str] = {}
    for place, source in reversed(list(enumerate(sources))):
        names = [name for name, value in source.items() if value is not None]
        origins |= {name: _word(place, name, path) for name in names}
    settings = read_settings(sources, _refuse)
    if prometheus_url is None and _is_beside(settings.registry_url, path):
        prometheus_url = _left_url(path)
    return Found(settings, origins, _usable(prometheus_url), "; ".join(map(str, refused)))


def _word(place: int, name: str, path: Path) -> str:
    return ("--" + name.replace("_", "-"), PREFIX + name.upper(), str(path))[place]


def _is_beside(registry_url: str | None, path: Path) -> bool:
    """Whether this is the registry of the stack that left the file, whoever has named it."""
    if registry_url is None:
        return False
    left = with_file([], path, lambda error: None)
    return any(str(each.get("registry_url")).rstrip("/") == registry_url for each in left)


def _left_url(path: Path) -> str | None:
    """The one setting in the file that the exporter has no use for."""
    try:
        url = json.loads(path.read_text(encoding="utf-8")).get("prometheus_url")
    except (OSError, ValueError, AttributeError):
        return None
    return url if isinstance(url, str) and url else None


def _usable(url: str | None) -> str | None:
    try:
        return read_settings([{"registry_url": url}], _refuse).registry_url
    except ConfigurationError as error:
        raise ConfigurationError("prometheus_url", error.value, error.mend) from None


def _refuse(error: ConfigurationError) -> None:
    raise error
