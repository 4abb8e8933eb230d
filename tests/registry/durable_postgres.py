"""A PostgreSQL of its own that keeps its promises to the disk, to be killed and frozen."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg

from pulseguard_registry.embedded import DATA_FOLDER, EmbeddedPostgres
from tests.registry.running import eventually


class DurablePostgres:
    """Unlike the tests' other PostgreSQL it waits for the disk (fsync), as an operator's would."""

    def __init__(self, folder: Path) -> None:
        self._pid_file = folder / DATA_FOLDER / "postmaster.pid"
        self._server = EmbeddedPostgres(folder)
        self.url = self._server.start()
        with psycopg.connect(self.url) as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                assert connection.execute(f"SHOW {setting}").fetchone() == ("on",)

    def kill(self) -> None:
        """End all its processes at once, as kill -9 does."""
        processes = self._processes()
        self._signal(processes, signal.SIGKILL)
        eventually(lambda: not any(map(_runs, processes)), 10)

    def start_again(self) -> None:
        """Start it on what the disk holds."""
        self._server.ensure_running()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all its processes where they are, and let them go on afterwards."""
        processes = self._processes()
        self._signal(processes, signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(processes, signal.SIGCONT)

    def stop(self) -> None:
        """End it as an operator would."""
        self._server.stop()

    def _processes(self) -> list[psutil.Process]:
        """The postmaster before those it would start again."""
        postmaster = psutil.Process(int(self._pid_file.read_text().split("\n")[0]))
        return [postmaster, *postmaster.children()]

    @staticmethod
    def _signal(processes: list[psutil.Process], number: int) -> None:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.status() != psutil.STATUS_ZOMBIE
    return False


@contextmanager
def durable_postgres() -> Iterator[DurablePostgres]:
    """A running one, gone afterwards."""
    # Not under pytest's folder: as root the server runs as another user, who must reach it.
    folder = Path(tempfile.mkdtemp(prefix="pulseguard-tests-"))
    server = DurablePostgres(folder)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)
