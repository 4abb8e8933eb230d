"""docker-compose.yml as Compose reads it, without its variables filled in."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

REPOSITORY: Final = Path(__file__).parents[2]
FILE: Final = REPOSITORY / "docker-compose.yml"
TEXT: Final = FILE.read_text(encoding="utf-8")
COMPOSE: Final[Mapping[str, Any]] = yaml.safe_load(TEXT)
SERVICES: Final[Mapping[str, Mapping[str, Any]]] = COMPOSE["services"]
# The one that looks for the secrets, and ends.
ONE_SHOT: Final = "make-secrets"
LASTING: Final = [name for name in SERVICES if name != ONE_SHOT]

_VARIABLE = re.compile(r"\$\{([A-Z_]+):-([^}]*)\}")


def variables(text: str = TEXT) -> Mapping[str, str]:
    """Each variable of this text, with what it is where nobody sets it."""
    found = dict(_VARIABLE.findall(text))
    assert set(_VARIABLE.findall(text)) == set(found.items()), "one variable, two defaults"
    return found


def filled_in(value: object) -> str:
    """A value of the file with the defaults of its variables."""
    return _VARIABLE.sub(lambda found: found[2], str(value))


def mounts(service: str) -> Sequence[tuple[str, str, bool]]:
    """What a service mounts: source, target, and whether it can only be read."""
    return [_mount(each) for each in SERVICES[service].get("volumes", [])]


def _mount(volume: Any) -> tuple[str, str, bool]:
    if isinstance(volume, dict):
        return volume["source"], volume["target"], volume.get("read_only", False)
    source, target, *options = volume.split(":")
    return source, target, options == ["ro"]
