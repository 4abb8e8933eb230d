"""The logs under the stack's folder: how much of them is kept, and what was said last."""

from contextlib import suppress
from pathlib import Path

LARGEST_BYTES = 10_000_000
# A line of a log may hold what a component was sent; a line of ours is not to be a screenful.
LONGEST_WORDS = 300
_TAIL_BYTES = 64 * 1024


def begin_log(log: Path) -> None:
    """Puts a long log aside as `<name>.log.1`, in place of the one that was there before.

    Where that cannot be done it goes on growing, which is no reason to start nothing.
    """
    with suppress(OSError):
        if log.stat().st_size > LARGEST_BYTES:
            log.replace(log.with_name(f"{log.name}.1"))


def last_words(log: Path, since_bytes: int) -> str:
    """The last line that was written behind this many bytes; "" where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(since_bytes, file.seek(0, 2) - _TAIL_BYTES))
            lines = file.read(_TAIL_BYTES).decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    said = "".join(each if each.isprintable() else " " for each in lines[-1]) if lines else ""
    return said[:LONGEST_WORDS]
