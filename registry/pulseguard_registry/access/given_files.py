"""The files that give keys: which there are, what each holds, and what is wrong with it."""

from __future__ import annotations

import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

from pulseguard_registry.access.tokens import is_well_formed, role_of, without_keys
from pulseguard_registry.errors import ConfigurationError, KeyFileUnusable

GivenRole = Literal["admin", "editor", "viewer", "prometheus", "agent"]

_LIMIT_BYTES: Final = 4096
_LONGEST_ENVIRONMENT: Final = 120
# Which file it was, of which size, changed when: another one wherever it was written or replaced.
_State = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file that gives a key of this role, for this environment where the role needs one."""

    role: GivenRole
    environment: str | None
    path: Path

    def __str__(self) -> str:
        bound = "" if self.environment is None else f":{self.environment}"
        return f"{self.role}{bound}={self.path}"


def parse_given_files(value: object) -> object:
    """The files that the setting names, by comma; ValueError where one cannot be meant."""
    if not isinstance(value, str):
        return value
    files = tuple(_parse(part.strip()) for part in value.split(",") if part.strip())
    for path, times in Counter(file.path for file in files).items():
        if times > 1:
            raise ValueError(f"{path} is named twice; give each key a file of its own")
    return files


def _parse(part: str) -> GivenFile:
    who, _, path = (each.strip() for each in part.partition("="))
    role, colon, environment = (each.strip() for each in who.partition(":"))
    if role == "enrolment":
        raise ValueError(
            "enrolment: a key of this role ends within 24 h, so no file gives it; make one with"
            " pulseguard keys create"
        )
    for known in get_args(GivenRole):
        if role == known:
            checked = _environment(known, environment if colon else None)
            return GivenFile(known, checked, _path(who, path))
    roles = ", ".join(get_args(GivenRole))
    raise ValueError(f"{role!r} is no role of a given key; write role=path with one of {roles}")


def _environment(role: GivenRole, environment: str | None) -> str | None:
    if role != "agent":
        if environment is not None:
            raise ValueError(
                f"{role}:{environment}: only keys of role agent have an environment; write"
                f" {role}=path"
            )
        return None
    if not environment:
        raise ValueError(
            "agent: a key of this role needs an environment; write agent:environment=path"
        )
    if not environment.isprintable() or len(environment) > _LONGEST_ENVIRONMENT:
        raise ValueError(
            f"{environment!r} is no name of an environment; give one line of at most"
            f" {_LONGEST_ENVIRONMENT} characters"
        )
    return environment


def _path(who: str, path: str) -> Path:
    if without_keys(path) != path:
        raise ValueError(f"{who}: this is a key, not a file; write it into a file and name that")
    if not path or not path.isprintable():
        raise ValueError(f"{who} names no file; write {who}=path")
    return Path(path)


@dataclass(frozen=True, slots=True)
class Held:
    """What the files hold: each a key, or why there is none that can be used."""

    keys: Mapping[GivenFile, str] = field(repr=False)
    faults: Mapping[GivenFile, str]


class GivenFiles:
    """Reads the files at its making, and again where they have changed.

    ConfigurationError at its making where any of them cannot be used.
    """

    def __init__(self, files: Sequence[GivenFile]) -> None:
        self.files = files
        self._read: dict[GivenFile, tuple[_State, str]] = {}
        if faults := self.look().faults:
            told = "; ".join(f"{file}: {fault}" for file, fault in faults.items())
            raise ConfigurationError(f"PULSEGUARD_GIVEN_KEYS: {told}")

    def look(self) -> Held:
        """What they hold now; cheap where nothing has changed."""
        keys: dict[GivenFile, str] = {}
        faults: dict[GivenFile, str] = {}
        for file in self.files:
            try:
                keys[file] = self._key_in(file)
            except KeyFileUnusable as fault:
                faults[file] = str(fault)
        same = _doubles(keys)
        single = {file: key for file, key in keys.items() if file not in same}
        return Held(single, faults | same)

    def _key_in(self, file: GivenFile) -> str:
        state = _state_of(file.path)
        known = self._read.get(file)
        if known is None or known[0] != state:
            # One that cannot be used is looked at again the next time, changed or not.
            self._read[file] = known = state, _read_key(file)
        return known[1]


def _doubles(keys: Mapping[GivenFile, str]) -> dict[GivenFile, str]:
    # None of them is used: nobody can tell which is meant.
    return {
        file: f"holds the same key as {other.path}; write another one into one of them"
        for file, key in keys.items()
        for other in keys
        if other != file and keys[other] == key
    }


def _state_of(path: Path) -> _State:
    try:
        found = path.stat()
    except OSError as error:
        raise _not_read(error) from None
    if not stat.S_ISREG(found.st_mode):
        raise KeyFileUnusable(
            "is no file, as the folder is which Docker makes of a missing one that it is to mount;"
            " put a file there with the key in it"
        )
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _read_key(file: GivenFile) -> str:
    try:
        with file.path.open("rb") as opened:
            text = opened.read(_LIMIT_BYTES).decode("ascii", "replace").strip()
    except OSError as error:
        raise _not_read(error) from None
    if not text:
        raise KeyFileUnusable("is empty; write the key into it")
    if not is_well_formed(text):
        raise KeyFileUnusable(f"holds no whole key; write one into it, pg_{file.role}_…, alone")
    if role_of(text) != file.role:
        raise KeyFileUnusable(
            f"holds a key of role {role_of(text)}; write one of role {file.role} into it"
        )
    return text


def _not_read(error: OSError) -> KeyFileUnusable:
    if isinstance(error, FileNotFoundError):
        return KeyFileUnusable("is not there; write the key into it, or name another file")
    return KeyFileUnusable(f"cannot be read ({error.strerror}); let the registry's user read it")
