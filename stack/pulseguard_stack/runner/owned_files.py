"""Files that only their owner may read, written so that a reader never sees half of one."""

import errno
import json
import os
import tempfile
from pathlib import Path


def write_owned_text(path: Path, text: str) -> None:
    """Replaces the file in one step; its mode is 0600, its folder is made where it is missing.

    An OSError names the file.
    """
    try:
        _replace(path, text)
    except OSError as problem:
        # Not the temporary one, nor none, as where the disk is full.
        problem.filename = str(path)
        raise


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkstemp makes it 0600 before there is anything in it.
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_owned_json(path: Path, document: object) -> None:
    """The same for a JSON document."""
    write_owned_text(path, json.dumps(document, indent=2) + "\n")


def explained(problem: OSError) -> str:
    """Which file the system refused and why, with the mend, for one line."""
    if problem.filename is None:
        return str(problem)
    is_full = problem.errno in (errno.ENOSPC, errno.EDQUOT)
    mend = "make room there" if is_full else "this user has to be able to write it"
    return f"{problem.filename} cannot be used ({problem.strerror}); {mend}"


def read_json_object(path: Path) -> dict[str, object] | None:
    """Answers the object in the file, None where there is none to be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None
