"""Files that others read meanwhile: replaced whole or not at all, and there after a crash."""

import os
from pathlib import Path


def write_durably(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Makes the file hold this, whoever reads meanwhile seeing the old content or the new.

    `mode` is that of a file which is made, less the umask, and it has it before its content.
    Raises OSError with the old content in place.
    """
    # One fixed name is safe under the claim that its writer holds, and a crash leaves at most this
    # one file behind.
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    write_new(beside, content, mode=mode)
    beside.replace(path)
    sync_folder(path.parent)


def write_new(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Writes a file that is on the disk when this returns, whatever was there under its name."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Has the names of this folder on the disk when this returns."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
