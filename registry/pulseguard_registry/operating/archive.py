"""A backup as a file: a tar of a manifest, the database's dump and the pepper."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from pulseguard_registry.operating.reach import CommandRefused

MANIFEST: Final = "manifest.json"
DUMP: Final = "database.dump"
PEPPER: Final = "pepper"
_LARGEST_SMALL_BYTES: Final = 65_536


class Manifest(BaseModel):
    """What is in a backup, and what made it."""

    model_config = ConfigDict(extra="ignore")

    format: Literal[1] = 1
    made_at: AwareDatetime
    version: str
    schema_revision: str


@contextmanager
def new_archive(path: Path, *, replaces: bool) -> Iterator[IO[bytes]]:
    """A file readable by its owner only, that has its name once it is whole and on the disk.

    CommandRefused where there is one of this name, unless the new one `replaces` it. Where the name
    is a link, what it leads to is replaced.
    """
    _check_name(path, replaces=replaces)
    path = Path(os.path.realpath(path))
    if not path.parent.is_dir():
        raise CommandRefused(
            f"{path} cannot be written, for there is no folder {path.parent}; make it, or name"
            " another file"
        )
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandRefused(
            f"{path} cannot be written ({error.strerror}); name another file"
        ) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        # Another may have been made meanwhile.
        _check_name(path, replaces=replaces)
        beside.replace(path)
    except OSError as error:
        raise CommandRefused(
            f"{path} cannot be written ({error.strerror}); name another file"
        ) from None
    finally:
        beside.unlink(missing_ok=True)


def _check_name(path: Path, *, replaces: bool) -> None:
    if path.name == "-":
        raise CommandRefused("a backup is not written to standard output; name a file")
    # A link that leads nowhere is there as well.
    if not os.path.lexists(path):
        return
    if not path.is_file() and path.exists():
        raise CommandRefused(f"{path} is no file, and is not replaced; name another one")
    if not replaces:
        raise CommandRefused(
            f"{path} exists already, and is not replaced; name another file, or say --replace"
        )


def write_archive(file: IO[bytes], manifest: Manifest, dump: Path, pepper: str) -> None:
    """All three, the manifest first."""
    with tarfile.open(fileobj=file, mode="w") as tar:
        _add(tar, MANIFEST, manifest.model_dump_json(indent=2).encode())
        _add(tar, PEPPER, pepper.encode())
        tar.add(dump, DUMP, recursive=False, filter=_plain)


def read_archive(path: Path, folder: Path) -> tuple[Manifest, Path, str]:
    """The manifest, the dump unpacked into `folder`, and the pepper; CommandRefused for no backup.

    Only the three are taken, whatever else is in it and wherever that would go.
    """
    try:
        with tarfile.open(path, mode="r:") as tar:
            manifest = Manifest.model_validate_json(_small(tar, MANIFEST))
            pepper = _small(tar, PEPPER).decode()
            dump = folder / DUMP
            with dump.open("wb") as out:
                _copy(_member(tar, DUMP), out)
    except OSError as error:
        raise CommandRefused(f"{path} cannot be read ({error.strerror or error})") from None
    except ValidationError:
        raise CommandRefused(f"{path} was made by a newer PulseGuard; install that one") from None
    except (tarfile.TarError, KeyError, UnicodeDecodeError, EOFError):
        raise CommandRefused(f"{path} is no backup of PulseGuard, or a part of one") from None
    return manifest, dump, pepper


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    entry.mtime = int(datetime.now(UTC).timestamp())
    tar.addfile(entry, io.BytesIO(content))


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o600
    return entry


def _small(tar: tarfile.TarFile, name: str) -> bytes:
    return _member(tar, name).read(_LARGEST_SMALL_BYTES)


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    found = tar.extractfile(name)
    if found is None:
        raise KeyError(name)
    return found


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    while piece := source.read(1 << 20):
        target.write(piece)
