"""A terminal in a copy of the checkout: what is typed there, on ports that are free."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pulseguard_stack.programs import user_cache
from pulseguard_stack.runner.plan import SCRAPE_SECONDS
from pulseguard_stack.runner.settings import DEFAULT_PORTS
from tests.checkout import copy_of_checkout
from tests.started_program import free_port

END_SECONDS: Final = 30
# What the user of these tests has set is not set for the reader of the README.
_FOREIGN: Final = re.compile(r"PULSEGUARD_|XDG_|MAKE|DATABASE|PG|DEMO$|DETACH$")
_PYTHON: Final = """\
#!/bin/sh
case "$1 $2 $3" in
  "-m pulseguard.command up") shift 3; set -- -m pulseguard.command up {flags} "$@" ;;
esac
exec '{python}' "$@"
"""
_PULSEGUARD: Final = """\
#!/bin/sh
exec "${0%/*}/python" -m pulseguard.command "$@"
"""


class Typed:
    """What was typed and runs on: its process group, and what it has said."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    def said(self) -> str:
        """All of it until now."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def end(self) -> None:
        """Ctrl-C, as a terminal sends it; harmless where it has ended."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            raise


class Terminal:
    """A home, a copy of the checkout, and a free port in the place of each that is usual.

    Its `.venv` runs what the tests run. It has the stack listen on the ports of this terminal,
    where no flag names another: a network of its own would need rights that not every user has.
    """

    def __init__(self, folder: Path, ports: set[int]) -> None:
        self.folder = folder
        self.checkout = copy_of_checkout(folder / "pulseguard")
        self._ports = {usual: free_port() for usual in ports}
        self.environment = self._environment()
        self._put_programs()
        self._put_configuration()
        self._started = 0

    def run(self, command: str, **environment: str) -> str:
        """What it prints; it has to succeed."""
        ended = subprocess.run(
            self._shell(command),
            cwd=self.checkout,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    @contextmanager
    def running(self, command: str, **environment: str) -> Iterator[Typed]:
        """What stays, each in a terminal of its own, and is ended at the latest with the block."""
        self._started += 1
        log = self.folder / f"terminal-{self._started}.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                self._shell(command),
                cwd=self.checkout,
                env={**self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        typed = Typed(process, log)
        try:
            yield typed
        finally:
            typed.end()
            # For whoever reads why the test has failed.
            sys.stderr.write(f"\n$ {command}\n{typed.said()}")

    def here(self, text: str) -> str:
        """The same, with the ports of this terminal."""
        return re.sub(
            r"\b\d{4,5}\b", lambda port: str(self._ports.get(int(port[0]), port[0])), text
        )

    def url(self, usual_port: int) -> str:
        """Where this terminal has what usually is there."""
        return f"http://127.0.0.1:{self._ports[usual_port]}"

    def processes(self) -> list[str]:
        """The command lines of all that was started in it and runs, PostgreSQL too."""
        home, found = os.fsencode(self.folder), []
        for entry in Path("/proc").iterdir():
            try:
                said = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            except OSError:
                continue
            if home in said[0] + said[1]:
                found.append(f"{entry.name} {said[0].replace(bytes(1), b' ').decode()}")
        return found

    def _shell(self, command: str) -> list[str]:
        return ["bash", "-euo", "pipefail", "-c", self.here(command)]

    def _environment(self) -> Mapping[str, str]:
        home = self.folder / "home"
        kept = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
        for made in (home, self.folder / "tmp"):
            made.mkdir()
        said = {
            "HOME": str(home),
            "TMPDIR": str(self.folder / "tmp"),
            # Programs of Prometheus that were unpacked for this user before are not fetched again.
            "XDG_CACHE_HOME": str(user_cache(os.environ).root.parents[1]),
            "GRAFANA": "0",
        }
        if os.geteuid() == 0:
            # Else it is one for the whole machine.
            said["PULSEGUARD_DATA_DIR"] = str(self.folder / "data")
        return {**kept, **said}

    def _put_configuration(self) -> None:
        """Prometheus' own, with the ports of this terminal, and as quick as `make up` has it."""
        file = self.checkout / "prometheus" / "prometheus.yml"
        text = self.here(file.read_text(encoding="utf-8"))
        file.write_text(text.replace(" 10s", f" {SCRAPE_SECONDS:g}s"), encoding="utf-8")

    def _put_programs(self) -> None:
        programs = self.checkout / ".venv" / "bin"
        programs.mkdir(parents=True)
        flags = " ".join(f"--{name}-port {self._ports[at]}" for name, at in DEFAULT_PORTS.items())
        python = _PYTHON.format(flags=flags, python=sys.executable)
        for name, script in (("python", python), ("pulseguard", _PULSEGUARD)):
            (programs / name).write_text(script, encoding="utf-8")
            (programs / name).chmod(0o755)
        # Younger than what it is made of, so that make leaves it as it is.
        (self.checkout / ".venv" / "ready").touch()
