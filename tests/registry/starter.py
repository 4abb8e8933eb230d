"""Starts registries, each a fork of one process that has imported it.

To import takes ten times as long as what a registry does until it listens.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from tests.registry.running import eventually

REPOSITORY = Path(__file__).parents[2]
LONGEST_SECONDS = 60


class Ended(NamedTuple):
    """How a start has ended, and what it has said."""

    returncode: int
    stderr: str


class Starter:
    """`pulseguard registry serve`, as often as it is asked."""

    def __init__(self) -> None:
        self._program = subprocess.Popen(
            [sys.executable, "-m", "tests.registry.forking"],
            cwd=REPOSITORY,
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lock = Lock()

    def start(
        self, *flags: str, environment: Mapping[str, str], folder: Path, log: Path
    ) -> StartedRegistry:
        """One that runs, in this folder and environment."""
        number = self.ask([flags, environment, str(folder), str(log)])
        return StartedRegistry(self, int(number))

    def serve(self, *flags: str, **environment: str) -> Ended:
        """One with something wrong: it has to end by itself."""
        with tempfile.NamedTemporaryFile("r", encoding="utf-8") as said:
            log = Path(said.name)
            one = self.start(*flags, environment=environment, folder=REPOSITORY, log=log)
            try:
                return Ended(one.wait(LONGEST_SECONDS), said.read())
            finally:
                one.kill()

    def ask(self, what: Any) -> Any:
        """What the program answers; any JSON."""
        assert self._program.stdin
        assert self._program.stdout
        with self._lock:
            self._program.stdin.write(json.dumps(what) + "\n")
            self._program.stdin.flush()
            return json.loads(self._program.stdout.readline())

    def close(self) -> None:
        """End the program; what it has started is not touched."""
        self._program.communicate()


class StartedRegistry:
    """What the tests need of a `Popen`, which it cannot be: it is nobody's child here."""

    def __init__(self, starter: Starter, pid: int) -> None:
        self.pid = pid
        self._starter = starter
        self._exit_status: int | None = None

    def poll(self) -> int | None:
        """Its exit status, or None while it runs."""
        if self._exit_status is None:
            self._exit_status = self._starter.ask(self.pid)
        return self._exit_status

    def wait(self, seconds: float = LONGEST_SECONDS) -> int:
        """Its exit status, once it has ended."""
        eventually(lambda: self.poll() is not None, seconds)
        assert self._exit_status is not None
        return self._exit_status

    def terminate(self) -> None:
        """Ask it to end, if it still runs."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, if it still runs."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


@cache
def starter() -> Starter:
    """The one of this run, ended with it."""
    one = Starter()
    atexit.register(one.close)
    return one
