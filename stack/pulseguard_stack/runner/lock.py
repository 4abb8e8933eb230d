"""One runner for one data folder: a lock that ends with the process that holds it."""

import fcntl
from pathlib import Path
from typing import IO

from pulseguard_stack.runner.processes import Process, myself, process


class RunnerLock:
    """The lock of one stack; the system lets go of it however its holder ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def take(self) -> bool:
        """Whether it could be had; at once. Its file then says who has it."""
        file = self._path.open("a", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        me = myself()
        file.truncate(0)
        file.write(f"{me.pid} {me.started}\n")
        file.flush()
        self._file = file
        return True

    def holder(self) -> Process | None:
        """Who has it, or had it last; None where that process is gone."""
        try:
            pid, started = self._path.read_text(encoding="utf-8").split()
            holder = Process(int(pid), started)
        except (OSError, ValueError):
            return None
        return holder if process(holder.pid) == holder else None

    def release(self) -> None:
        """Let go of it; harmless where it is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None
