"""Makes Debian's Alertmanager run from the folder into which its package was unpacked.

Debian builds its path of templates and pages into it, and no flag changes that. A copy of the
program looks below its working folder instead, which a script of two lines sets.
"""

import os
from pathlib import Path

BUILT_IN = b"/usr/share/prometheus/alertmanager"
# Of the same length, so that nothing else moves: without the first slash it is relative.
RELATIVE = b"usr/share/prometheus/alertmanager/"
SCRIPT = """\
#!/bin/sh
cd "$(dirname "$0")/../.." && exec usr/bin/{name} "$@"
"""


def relocated_alertmanager(unpacked: Path) -> Path:
    """Answers a program that does what the unpacked one does once its package is installed.

    It changes its working folder: paths given to it have to be absolute. Made on the first call,
    beside the unpacked program; one that needs nothing is answered as it is.
    """
    script = unpacked.with_name("alertmanager")
    if script.exists():
        return script
    program = unpacked.read_bytes()
    if BUILT_IN not in program:
        return unpacked
    copy = unpacked.with_name(f"{unpacked.name}-relocated")
    _write_program(copy, program.replace(BUILT_IN, RELATIVE))
    _write_program(script, SCRIPT.format(name=copy.name).encode())
    return script


def _write_program(path: Path, content: bytes) -> None:
    # In one step, since another process may be about to start it.
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    beside.chmod(0o755)
    beside.replace(path)
