"""Where the servers that the tests start keep their files."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_IN_MEMORY = Path("/dev/shm")
_ROOM_BYTES = 4 * 2**30


@contextmanager
def server_folder() -> Iterator[Path]:
    """A new folder, which is gone afterwards; in memory where there is room.

    Several PostgreSQL beside each other, which make and drop hundreds of databases, can have a disk
    keep all of them waiting for longer than a registry waits. Not under pytest's folder: as root,
    PostgreSQL runs as another user, who must reach it.
    """
    is_roomy = _IN_MEMORY.is_dir() and shutil.disk_usage(_IN_MEMORY).free > _ROOM_BYTES
    made = tempfile.mkdtemp(prefix="pulseguard-tests-", dir=_IN_MEMORY if is_roomy else None)
    try:
        yield Path(made)
    finally:
        shutil.rmtree(made)
