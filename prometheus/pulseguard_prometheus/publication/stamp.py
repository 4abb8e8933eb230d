"""The last line of each file of rules: which revision it is, and that nobody has changed it since.

It lies in the file itself, so that a file and what is known of it change in one step.
"""

import hashlib
import re

from pulseguard_prometheus.publication.bundle import BundledGroup

_STAMP = re.compile(rb"# pulseguard: revision (\d{1,19}), sha256 ([0-9a-f]{64})\n")


def stamped(group: BundledGroup) -> bytes:
    """Answers the file of this group: its content, then the stamp."""
    content = group.content.encode()
    stamp = f"# pulseguard: revision {group.revision}, sha256 {_digest(content)}\n"
    return content + stamp.encode()


def stamped_revision(file: bytes) -> int | None:
    """Answers which revision this file is, None where it is not just as it was stamped."""
    content, last = file[: (start := file.rstrip(b"\n").rfind(b"\n") + 1)], file[start:]
    stamp = _STAMP.fullmatch(last)
    if not stamp or stamp[2].decode() != _digest(content):
        return None
    return int(stamp[1])


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
