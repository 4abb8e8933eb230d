"""The file that `make up` leaves, by which an agent finds it with no variable set."""

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pulseguard.errors import ConfigurationError
from pulseguard.settings import Refuse, Source, Spelled

NAMES: Final = ("registry_url", "key_file")
LARGEST_BYTES: Final = 65_536


def settings_file(environ: Mapping[str, str]) -> Path:
    """Where the file is while a stack runs; under the state folder of the user."""
    named = environ.get("XDG_STATE_HOME", "")
    # A relative XDG_STATE_HOME is to be ignored (XDG Base Directory Specification 0.8).
    base = Path(named) if Path(named).is_absolute() else _home(environ) / ".local" / "state"
    return base / "pulseguard" / "agent.json"


def with_file(nearer: Sequence[Source], path: Path, refuse: Refuse) -> Sequence[Source]:
    """The sources, with the file as the last one where none of the others names a registry.

    Else it is not even opened: its key belongs to its registry and is sent to no other. A file
    that cannot be used is given to `refuse`; that there is none is no fault.
    """
    if any(source.get("registry_url") is not None for source in nearer):
        return nearer
    try:
        return [*nearer, _read(path)]
    except FileNotFoundError:
        return nearer
    except OSError as error:
        refuse(ConfigurationError("settings file", str(path), error.strerror or "is not readable"))
    except ConfigurationError as error:
        refuse(error)
    return nearer


def _home(environ: Mapping[str, str]) -> Path:
    try:
        return Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    except RuntimeError:
        # A user whom the system does not know, as in many containers, has no file.
        return Path("/")


def _read(path: Path) -> Source:
    # Not blocking: whatever else has this name, a pipe for one, must not hold up the agent.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        _check_owner(path, os.fstat(file.fileno()))
        text = file.read(LARGEST_BYTES)
    import json  # here: only who runs beside `make up` has the file, and all pay for an import

    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise ConfigurationError("settings file", str(path), "write one JSON object, or remove it")
    values = {name: document[name] for name in NAMES if name in document}
    return Spelled(values, lambda name: f"{name} in {path}")


def _check_owner(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigurationError("settings file", str(path), "it must be a regular file")
    if status.st_uid != os.geteuid():
        raise ConfigurationError("settings file", str(path), "it belongs to another user")
    if status.st_mode & 0o077:
        raise ConfigurationError("settings file", str(path), "make it yours alone: chmod 600")
