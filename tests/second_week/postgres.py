"""PostgreSQL as an operator runs it, a program of its own, with its clock moved."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

import psycopg

from pulseguard_registry.embedded import DATA_FOLDER, EmbeddedPostgres, programs_folder
from tests.second_week.moved_clock import moved_command
from tests.started_program import eventually


class MovedPostgres:
    """The embedded one, on data in this folder."""

    def __init__(self, folder: Path) -> None:
        made = EmbeddedPostgres(folder)
        made.start()
        made.stop()
        self._log = folder / "postgresql.log"
        self._data = folder / DATA_FOLDER
        self.url = f"postgresql://postgres@/postgres?host={quote(str(self._data), safe='')}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: int) -> None:
        """Start it, as if it were so many seconds later."""
        programs = programs_folder()
        assert programs is not None
        # Root's is another user's.
        user = pwd.getpwuid(self._data.stat().st_uid).pw_name if os.geteuid() == 0 else ""
        program = [str(programs / "postgres"), "-D", str(self._data)]
        place = ["-k", str(self._data), "-c", "listen_addresses="]
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*moved_command(seconds, user), *program, *place], stdout=log, stderr=log
            )
        eventually(self._answers)

    def stop(self, number: int = signal.SIGINT) -> None:
        """End it, its connections with it; the data stay."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(30)
            self.process = None

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self._log.read_text()
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True
