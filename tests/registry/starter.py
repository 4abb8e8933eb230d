"""Starts of the registry that end at once, each a fork of one process that has imported it.

As a program it reads the flags and the environment of each start, a line of JSON, and answers with
how it ended. To import takes twenty times as long as what such a start does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pulseguard_registry import command

REPOSITORY = Path(__file__).parents[2]
LONGEST_SECONDS = 60


class Ended(NamedTuple):
    """How a start has ended, and what it has said."""

    returncode: int
    stderr: str


class Starter:
    """`pulseguard registry serve` with something wrong."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def serve(self, *flags: str, **environment: str) -> Ended:
        """Start it in this environment; it has to end by itself."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([flags, environment]) + "\n")
        self._process.stdin.flush()
        return Ended(*json.loads(self._process.stdout.readline()))


@contextmanager
def starter() -> Iterator[Starter]:
    """The process, ended with its input."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.registry.starter"],
        cwd=REPOSITORY,
        env={},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Starter(process)


def start(flags: Sequence[str], environment: Mapping[str, str]) -> Ended:
    """Fork, and let the fork end as any program does."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        number = os.fork()
        if number == 0:
            signal.alarm(LONGEST_SECONDS)
            os.dup2(said.fileno(), sys.stderr.fileno())
            os.environ.clear()
            os.environ.update(environment)
            sys.exit(command.main(["serve", *flags]))
        _, status = os.waitpid(number, 0)
        said.seek(0)
        return Ended(os.waitstatus_to_exitcode(status), said.read())


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(start(*json.loads(line))) + "\n")
        sys.stdout.flush()
