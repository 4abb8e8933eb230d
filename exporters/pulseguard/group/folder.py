"""A folder that only this user can write: where the processes of one agent meet."""

import fcntl
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from pulseguard.held import Held

_OWN_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
# Whoever loses this many races with cleaners has met something else.
_MOST_ATTEMPTS: Final = 10


def default_folder() -> Path:
    """The folder of this user's groups.

    Not XDG_RUNTIME_DIR, which is taken away from processes that outlive the login.
    """
    return Path(tempfile.gettempdir()) / f"pulseguard-{os.geteuid()}"


class Folder:
    """A folder held open. Files appear in it whole or not at all."""

    def __init__(self, path: Path) -> None:
        """Make it where it is missing; OSError where it is somebody else's, or a link."""
        self.path = path
        self._held: Held | None = None
        for parent in (path.parent, path):
            self.close()
            self._held = Held(_open_own(parent))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def lock(self) -> bool:
        """Whether the folder is this process's alone now, until `close` or its death.

        A locked folder is also left alone by those who clean up temporary files (tmpfiles.d(5)).
        """
        for _ in range(_MOST_ATTEMPTS):
            try:
                fcntl.flock(self._opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            if self.is_still_there():
                return True
            self.reopen()
        return False

    def is_still_there(self) -> bool:
        """Whether others find this folder by its name, and no daemon has closed it."""
        try:
            found = self.path.stat(follow_symlinks=False)
            return os.path.samestat(found, os.fstat(self._opened))
        except FileNotFoundError:
            return False

    def reopen(self) -> None:
        """Let the lock go, and make the folder again where it was removed."""
        self.close()
        os.close(_open_own(self.path.parent))
        self._held = Held(_open_own(self.path))

    def names(self) -> list[str]:
        """The files in it."""
        return os.listdir(self._opened)  # noqa: PTH208  (pathlib knows no descriptors)

    def read(self, name: str) -> bytes | None:
        """What the file holds; None where there is none."""
        try:
            descriptor = self.open(name)
        except FileNotFoundError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            return file.read()

    def version(self, name: str) -> tuple[int, int, int] | None:
        """Something that changes with the file; None where there is none."""
        try:
            found = os.stat(name, dir_fd=self._opened, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def write(self, name: str, content: bytes) -> None:
        """Put the whole file in the place of the one before."""
        beside = f".{name}"
        descriptor = self.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        self.rename(beside, name)

    def open(self, name: str, flags: int = os.O_RDONLY) -> int:
        """A descriptor that no link has led astray."""
        return os.open(name, flags | os.O_NOFOLLOW, _FILE_MODE, dir_fd=self._opened)

    def rename(self, name: str, new_name: str) -> None:
        os.rename(name, new_name, src_dir_fd=self._opened, dst_dir_fd=self._opened)

    def remove(self, name: str) -> None:
        """Remove a file; harmless when repeated."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._opened)

    def remove_all(self) -> None:
        """Remove the folder and what is in it; wants the lock."""
        for name in self.names():
            self.remove(name)
        with suppress(OSError):  # somebody is coming in
            self.path.rmdir()

    def close(self) -> None:
        """Let go of it, and of its lock; harmless when repeated."""
        if self._held is not None:
            self._held.close()

    @property
    def _opened(self) -> int:
        if self._held is None or not self._held.is_whole():
            raise FileNotFoundError(f"{self.path} is closed")
        return self._held.number


def _open_own(path: Path) -> int:
    with suppress(FileExistsError):
        path.mkdir(_OWN_MODE)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    found = os.fstat(descriptor)
    if found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o077:
        return descriptor
    os.close(descriptor)
    raise PermissionError(f"{path} has to be this user's alone (mode 0700): remove it")
