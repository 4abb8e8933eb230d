"""Programs of ours as processes, each a fork of one that has imported it.

To import takes ten times as long as what a registry or a model server does until it listens.
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
from typing import Any

from tests.started_program import eventually

REPOSITORY = Path(__file__).parents[1]


class ForkedProgram:
    """What the tests need of a `Popen`, which it cannot be: it is nobody's child here."""

    def __init__(self, forks: Forks, pid: int, output: Path, errors: Path) -> None:
        self.pid = pid
        self.output = output
        self.errors = errors
        self._forks = forks
        self._exit_status: int | None = None

    def first_line(self) -> str:
        """What it says first, once it has said it; empty where it ends without a word."""
        eventually(lambda: "\n" in self.output.read_text() or self.poll() is not None)
        return self.output.read_text().partition("\n")[0]

    def poll(self) -> int | None:
        """Its exit status, or None while it runs."""
        if self._exit_status is None:
            self._exit_status = self._forks.ask(self.pid)
        return self._exit_status

    def wait(self, timeout: float = 60) -> int:
        """Its exit status, once it has ended; fails after so many seconds."""
        eventually(lambda: self.poll() is not None, timeout_seconds=timeout)
        assert self._exit_status is not None
        return self._exit_status

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


class Forks:
    """The `main` of a module, started as often as it is asked; if strict, none may warn."""

    def __init__(self, module: str, *later: str, strict: bool) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="pulseguard-forks-")
        self._started = 0
        self._lock = Lock()
        warnings = ["-W", "error"] if strict else []
        self._program = subprocess.Popen(
            [sys.executable, *warnings, "-m", "tests.forking", module, *later],
            cwd=REPOSITORY,
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(
        self,
        *arguments: str,
        environment: Mapping[str, str],
        folder: Path = REPOSITORY,
        errors: Path | None = None,
    ) -> ForkedProgram:
        """One that runs in this folder and environment, and writes its errors to a file."""
        self._started += 1
        output = Path(self._folder.name) / f"{self._started}.output"
        errors = errors or output.with_suffix(".errors")
        for file in (output, errors):
            file.touch()
        given = [arguments, dict(environment), str(folder), str(output), str(errors)]
        return ForkedProgram(self, int(self.ask(given)), output, errors)

    def ask(self, what: Any) -> Any:
        """What the forking program answers; any JSON."""
        assert self._program.stdin
        assert self._program.stdout
        with self._lock:
            self._program.stdin.write(json.dumps(what) + "\n")
            self._program.stdin.flush()
            return json.loads(self._program.stdout.readline())

    def close(self) -> None:
        """End the forking program; what it has started is not touched."""
        self._program.communicate()
        self._folder.cleanup()


@cache
def forks_of(module: str, *later: str, strict: bool = True) -> Forks:
    """Those of this run, ended with it; `later` names what the module imports only later."""
    forks = Forks(module, *later, strict=strict)
    atexit.register(forks.close)
    return forks
