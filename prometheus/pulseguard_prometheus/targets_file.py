"""The file_sd file that Prometheus reads: replaced whole or not at all, by one sync at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pulseguard_prometheus.durable_file import write_durably
from pulseguard_prometheus.errors import BadSetting, TargetsFileInUse, TargetsFileTrouble

# Device, inode, size and time of change: any other writer changes at least one of them.
Signature = tuple[int, int, int, int]


def file_signature(path: Path) -> Signature | None:
    """Answers what changes whenever the file does, None where there is no such file.

    Raises OSError where the folder may not be looked into.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


class TargetsFile:
    """A targets file that this process has claimed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ours: Signature | None = None

    def is_ours(self) -> bool:
        """Whether the file is still the one that the last replace_content left."""
        with self._translated("read"):
            return self._ours is not None and file_signature(self.path) == self._ours

    def replace_content(self, content: bytes) -> bool:
        """Makes the file hold this and survive a crash; answers whether that changed it.

        Whoever reads meanwhile sees the old content or the new. Raises TargetsFileTrouble with
        the old content in place.
        """
        with self._translated("written"):
            changed = self._content() != content
            if changed:
                write_durably(self.path, content)
            self._ours = file_signature(self.path)
            return changed

    def _content(self) -> bytes | None:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None

    @contextmanager
    def _translated(self, deed: str) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            raise TargetsFileTrouble(
                f"{self.path} cannot be {deed} ({problem.strerror or problem})",
                "check the disk and who may write in that folder",
            ) from problem


@contextmanager
def claimed_targets_file(path: Path) -> Iterator[TargetsFile]:
    """Claims the file for as long as the context lasts, making its folder where it is missing.

    Raises TargetsFileInUse where another process has it, BadSetting where no file can be there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_name(f"{path.name}.lock").open("w")
    except OSError as problem:
        raise BadSetting(
            f"targets file {path}: its folder cannot be used ({problem.strerror or problem})"
        ) from problem
    with lock:
        if path.is_dir():
            raise BadSetting(f"targets file {path}: this is a folder, name a file in it")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise TargetsFileInUse(
                f"another pulseguard sync keeps {path}: stop that one, or name another targets file"
            ) from problem
        yield TargetsFile(path)
