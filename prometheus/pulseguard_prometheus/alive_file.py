"""A file whose time says when all of sync was last seen to work, for the health check of a
container."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pulseguard_prometheus.errors import AliveFileTrouble, BadSetting
from pulseguard_prometheus.troubles import Troubles


class AliveFile:
    """A file of this process' own, as long as it lives."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keeping = Troubles(
            starts="the alive file gets old", ends="the alive file is kept again"
        )

    def renew(self) -> None:
        """Sets its time, and makes it where it is missing; trouble is logged when it starts and
        when it ends."""
        with self._keeping.noted():
            try:
                self._path.touch()
            except OSError as problem:
                raise AliveFileTrouble(
                    f"{self._path} cannot be written ({problem.strerror or problem})",
                    "check the disk and who may write in that folder",
                ) from problem


@contextmanager
def kept_alive_file(path: Path) -> Iterator[AliveFile]:
    """Answers a file that is not there until it is renewed; its folder is. Removes it when the
    context ends.

    Raises BadSetting where no file can be there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise BadSetting(f"alive file {path}: this is a folder, name a file in it")
        path.touch()
        # One that a process before us has left says nothing of this one.
        path.unlink()
    except OSError as problem:
        raise BadSetting(
            f"alive file {path}: it cannot be written ({problem.strerror or problem}); name one in"
            " a folder that this user may write in (--alive-file, PULSEGUARD_ALIVE_FILE)"
        ) from problem
    try:
        yield AliveFile(path)
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)
