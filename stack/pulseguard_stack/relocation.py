"""Makes Debian's programs run from the folder into which their packages were unpacked.

Debian builds its paths of templates and pages into them, and no flag changes that. A copy of the
program looks below its working folder instead, which a script of two lines sets.
"""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

log = logging.getLogger(__name__)

ALERTMANAGER_FILES = "/usr/share/prometheus/alertmanager"
PROMETHEUS_FILES = "/usr/share/prometheus/web"
SCRIPT = """\
#!/bin/sh
cd "$(dirname "$0")/../.." && exec usr/bin/{name} "$@"
"""
# The one link of the pages that has not the name of its package.
FONTS = ("glyphicons", "fonts-glyphicons-halflings")


def relocated_alertmanager(unpacked: Path) -> Path:
    """Answers a program that does what the unpacked one does once its package is installed.

    It changes its working folder: paths given to it have to be absolute. Made on the first call,
    beside the unpacked program; one that needs nothing is answered as it is.
    """
    return _relocated(unpacked, ALERTMANAGER_FILES, "alertmanager")


def relocated_prometheus(unpacked: Path) -> Path:
    """The same for Prometheus, whose API would be all that it has otherwise."""
    found = _relocated(unpacked, PROMETHEUS_FILES, "prometheus-with-pages")
    if found == unpacked and _below(unpacked, PROMETHEUS_FILES).exists():
        log.warning("%s looks for its pages elsewhere: it has its API alone", unpacked)
    return found


def missing_page_packages(root: Path) -> Sequence[str]:
    """The packages of scripts and fonts to which the pages unpacked there link, and find none."""
    pages = root / PROMETHEUS_FILES.lstrip("/")
    names = (each.name for each in pages.rglob("*") if each.is_symlink() and not each.exists())
    # Debian calls the package of the script `jquery` libjs-jquery.
    return sorted(dict([FONTS]).get(name, f"libjs-{name}") for name in names)


def alertmanager_has_page(program: Path) -> bool:
    """Whether it has a page for people: Debian builds it without, installed or unpacked."""
    files = _below(program, ALERTMANAGER_FILES)
    return not (files / "no-ui").is_dir() or (files / "ui" / "index.html").is_file()


def _below(program: Path, built_in: str) -> Path:
    return program.parent.parent.parent / built_in.lstrip("/")


def _relocated(unpacked: Path, built_in: str, script_name: str) -> Path:
    script = unpacked.with_name(script_name)
    if script.exists():
        return script
    program, path = unpacked.read_bytes(), built_in.encode()
    if path not in program:
        return unpacked
    copy = unpacked.with_name(f"{unpacked.name}-relocated")
    # Of the same length, so that nothing else moves: without the first slash it is relative.
    _write_program(copy, program.replace(path, path.lstrip(b"/") + b"/"))
    _write_program(script, SCRIPT.format(name=copy.name).encode())
    return script


def _write_program(path: Path, content: bytes) -> None:
    # In one step, since another process may be about to start it.
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(content)
    beside.chmod(0o755)
    beside.replace(path)
