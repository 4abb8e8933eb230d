"""A secret that lies in a file of its own."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read_key_file(path: "Path") -> str | None:
    """The key that the file holds, None where it is empty; OSError where it cannot be read."""
    return path.read_text(encoding="ascii", errors="replace").strip() or None
