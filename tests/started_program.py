"""A server for tests: started in a folder, seen to be ready, stopped by its handle."""

import random
import signal
import socket
import subprocess
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

from pulseguard_stack.programs import ProgramName, find_program

Found = TypeVar("Found")

START_TIMEOUT_SECONDS = 30
STOP_TIMEOUT_SECONDS = 20
LASTING_PORTS = (20_000, 32_000)


def free_port() -> int:
    """Answers a port on loopback that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def lasting_port() -> int:
    """Answers one that is free as well, for a server that is away between its starts.

    It is below those that the system gives to whoever asks for any: nobody gets it meanwhile.
    """
    while True:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", random.randrange(*LASTING_PORTS)))
            return int(probe.getsockname()[1])


def eventually(look: Callable[[], Found], *, timeout_seconds: float = 30) -> Found:
    """Looks until what is found is true, and answers it; the deadline fails the test."""
    deadline = time.monotonic() + timeout_seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"still {found!r} after {timeout_seconds} s")
        time.sleep(0.05)
    return found


class StartedProgram(ABC):
    """A program with its configuration, its data and its log in one folder.

    The configuration is the text of its .yml; its relative paths start at the folder.
    """

    name: ProgramName

    def __init__(self, folder: Path, configuration: str, *, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self.log = folder / f"{self.name}.log"
        self.configuration_file = folder / f"{self.name}.yml"
        # A command that becomes the program which follows it.
        self.launcher: Sequence[str] = ()
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        self.configure(configuration)

    @property
    @abstractmethod
    def arguments(self) -> Sequence[str]:
        """The flags of its own, beside those for its configuration and its address."""

    @property
    def pid(self) -> int:
        """The number of the running server's process."""
        assert self._process
        return self._process.pid

    def configure(self, configuration: str) -> None:
        """Writes the configuration; a running server takes it at its next start or `reload`."""
        self.configuration_file.write_text(configuration, encoding="utf-8")

    def reload(self) -> None:
        """Has the running server take its configuration anew, soon."""
        assert self._process
        self._process.send_signal(signal.SIGHUP)

    def start(self) -> None:
        """Returns when the server says that it is ready; an AssertionError carries its log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *self.launcher,
                    find_program(self.name),
                    f"--config.file={self.configuration_file}",
                    f"--web.listen-address={self.address}",
                    *self.arguments,
                ],
                # Not its own folder, so that nothing depends on it.
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            eventually(self._is_ready, timeout_seconds=START_TIMEOUT_SECONDS)
        except AssertionError:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the server as an operator would, keeping its data; harmless when it is stopped."""
        if not self._process:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def restart(self) -> None:
        """Stops and starts again on the same port, folder and data."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _is_ready(self) -> bool:
        if not self._process or self._process.poll() is not None:
            raise AssertionError(f"{self.name} ended:\n{self.log.read_text(errors='replace')}")
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
