"""What a process and its descendants hold of this machine, as its kernel tells it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")


class Usage(NamedTuple):
    """`memory`: bytes that are theirs alone, with no file behind: what a leak would add to."""

    memory: int
    descriptors: int
    threads: int


def usage(root: int) -> Usage:
    """Of this process and all its descendants together; ProcessLookupError where it has ended.

    PermissionError where it is another user's, and this one is not root.
    """
    found = [each for pid in _tree(root) if (each := _usage(pid)) is not None]
    if not found:
        raise ProcessLookupError(root)
    return Usage(*(sum(each) for each in zip(*found, strict=True)))


def _tree(root: int) -> Iterator[int]:
    yield root
    try:
        for task in (PROC / str(root) / "task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))
    except (FileNotFoundError, ProcessLookupError):
        return  # ended meanwhile


def _usage(pid: int) -> Usage | None:
    folder = PROC / str(pid)
    try:
        # Each page is shared out among those that have it: a fork's are not counted twice.
        memory = _number(r"Pss_Anon:\s+(\d+) kB", folder / "smaps_rollup") * 1024
        threads = _number(r"Threads:\s+(\d+)", folder / "status")
        return Usage(memory, len(list((folder / "fd").iterdir())), threads)
    except (FileNotFoundError, ProcessLookupError):
        return None


def _number(pattern: str, file: Path) -> int:
    found = re.search(pattern, file.read_text(encoding="utf-8"))
    return int(found[1]) if found else 0
