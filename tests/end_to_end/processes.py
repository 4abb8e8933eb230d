"""PulseGuard's commands as processes: started with a log, stopped by their handle."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

COMMAND = Path(sys.executable).with_name("pulseguard")
Arguments = list[str | Path]


class Started:
    """A process, its log and its standard input and output."""

    def __init__(self, command: Arguments, environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as stream:
            self.process = subprocess.Popen(
                command,
                env={"PATH": os.environ["PATH"], **environment},
                cwd=log.parent,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
            )

    def line(self) -> str:
        """The next line that it prints; fails with its log if it has ended."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.log.read_text(encoding="utf-8")
        return line.strip()

    def ask(self, line: str) -> None:
        """Give it a line of input."""
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def end_input(self, seconds: float = 20) -> int:
        """Close its input and wait for its own end; returns the exit status."""
        assert self.process.stdin
        self.process.stdin.close()
        return self.process.wait(seconds)

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """End it, whatever state it is in."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None and not stream.closed:
                stream.close()


@contextmanager
def started(command: Arguments, log: Path, **environment: str) -> Iterator[Started]:
    """A process, ended afterwards."""
    one = Started(command, environment, log)
    try:
        yield one
    finally:
        one.close()
