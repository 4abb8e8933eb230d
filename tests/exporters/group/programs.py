"""Programs that are agents: started in a folder of their own, looked at, killed, cleared away."""

import json
import os
import select
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.exporters.observing import total

LONG = bool(os.environ.get("PULSEGUARD_TEST_LONG"))

# What every program begins with; `say` writes a line that the test reads.
HEAD = """
import json, multiprocessing, os, signal, sys, threading, time
from pulseguard import Agent

def say(**told):
    # One write, so that lines of several processes do not mix.
    os.write(1, (json.dumps(told) + "\\n").encode())

def work(agent, times=1):
    for number in range(times):
        with agent.task(), agent.llm_call("openai", "m") as call:
            call.usage(input_tokens=7, output_tokens=3)

def wait_for(path, seconds=20):
    deadline = time.monotonic() + seconds
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            sys.exit("nobody came")
        time.sleep(0.01)

"""


@dataclass
class Program:
    """A running program, and where it was started."""

    process: subprocess.Popen[bytes]
    folder: Path

    def said(self) -> dict[str, object]:
        """The next thing that the program says."""
        assert self.speaks(20), "it says nothing"
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"it has ended, with {self.process.wait()}"
        told: dict[str, object] = json.loads(line)
        return told

    def speaks(self, seconds: float) -> bool:
        """Whether there is something to read within this time."""
        stream = self.process.stdout
        assert stream is not None
        return bool(select.select([stream], [], [], seconds)[0])

    def signal(self, name: str) -> None:
        """Let those go on who wait for this file."""
        (self.folder / name).touch()

    def end(self, seconds: float = 10) -> int:
        """The exit status."""
        return self.process.wait(seconds)


class Programs:
    """Starts programs that share a temporary folder; nothing outlives the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            # The tree under test, where that is not the one installed.
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "TMPDIR": str(folder),
            "XDG_STATE_HOME": str(folder),
            "PULSEGUARD_METRICS_PORT": "0",
            "PULSEGUARD_HEARTBEAT_SECONDS": "0.2",
            "PULSEGUARD_SNAPSHOT_SECONDS": "0.3",
        }
        self._started: list[Program] = []

    def start(self, body: str, **environment: str) -> Program:
        """Run this text as a program of its own (a file: spawned children import it)."""
        path = self.folder / f"program{len(self._started)}.py"
        path.write_text(HEAD + body)
        return self.run([sys.executable, str(path)], **environment)

    def run(self, command: list[str], **environment: str) -> Program:
        process = subprocess.Popen(
            command,
            env=self.environment | environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            bufsize=0,
            # Children that a killed parent leaves behind are found by their group.
            start_new_session=True,
        )
        program = Program(process, self.folder)
        self._started.append(program)
        return program

    def living(self) -> int:
        """How many have entered a group; who leads alone has not."""
        groups = self.folder / f"pulseguard-{os.geteuid()}"
        return sum("." in path.name for path in groups.glob("*/[0-9]*[!s]"))

    def clear(self) -> None:
        for program in self._started:
            _kill_session(program.process.pid)
            program.process.wait()
            assert program.process.stdout is not None
            program.process.stdout.close()


def _kill_session(leader: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


@contextmanager
def programs_in(folder: Path) -> Iterator[Programs]:
    programs = Programs(folder)
    try:
        yield programs
    finally:
        programs.clear()


def page(address: object) -> str:
    """What /metrics says there; empty where nobody answers."""
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as response:
            content: bytes = response.read()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return ""
    return content.decode()


def tasks(address: object) -> float:
    """How many tasks have been completed; -1 where nobody answers."""
    found = page(address)
    return total(found, "pulseguard_tasks_total", outcome="completed") if found else -1


def wait_for_tasks(address: object, count: float, seconds: float = 30) -> None:
    """Until exactly so many are on the page, or fail telling how many there were."""
    deadline = time.monotonic() + seconds
    while (found := tasks(address)) != count:
        assert time.monotonic() < deadline, f"{found} tasks, not {count}"
        time.sleep(0.02)
