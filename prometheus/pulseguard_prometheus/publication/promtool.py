"""Has promtool check files of rules, as many at once as are all right."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pulseguard_prometheus.errors import BadSetting, PromtoolTrouble
from pulseguard_prometheus.turns import Note, unwatched

TIMEOUT_SECONDS: Final = 15.0
# On top, for each file that is checked in the same run.
SECONDS_A_FILE: Final = 0.05
OUTPUT_LIMIT_BYTES: Final = 64 * 1024
REASON_LIMIT_CHARACTERS: Final = 1000
_FAULTY: Final = 1


@dataclass(frozen=True)
class Rejection:
    """Why a file is not to be loaded; `lasting` where it will be the same the next time."""

    reason: str
    lasting: bool = True


@dataclass(frozen=True)
class _Run:
    status: int
    said: str
    is_late: bool


def find_promtool(named: Path | None, environment: Mapping[str, str]) -> Path:
    """Answers the promtool that was named by its path or by its name on PATH, else the one of that
    name; raises BadSetting without one."""
    found = shutil.which(named or "promtool", path=environment.get("PATH", os.defpath))
    if found is None and named is not None:
        raise BadSetting(f"promtool {named}: there is no program; name one with --promtool")
    if found is None:
        raise BadSetting(
            "promtool is missing, by which rules are checked: install Prometheus' programs, or"
            " name it with --promtool or PULSEGUARD_PROMTOOL"
        )
    return Path(found).absolute()


class Promtool:
    """promtool, run in one folder, so that no path is in what it says; `note` is told how long a
    run may take."""

    def __init__(
        self,
        program: Path,
        folder: Path,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        note: Note = unwatched,
    ) -> None:
        self._program = program
        self._folder = folder
        self._timeout_seconds = timeout_seconds
        self._note = note

    def check(self, names: Sequence[str]) -> dict[str, Rejection]:
        """Answers which of these files are not to be loaded, and why.

        Raises PromtoolTrouble where promtool cannot tell.
        """
        if not names:
            return {}
        seconds = self._timeout_seconds + SECONDS_A_FILE * (len(names) - 1)
        # Once more for one that has closed its output and goes on.
        self._note(seconds + self._timeout_seconds)
        run = self._run(names, seconds)
        self._note()
        if run.status == 0:
            return {}
        if len(names) == 1:
            return {names[0]: self._rejection(names[0], run)}
        # Told apart by halves: one that is bad among many costs few runs.
        half = len(names) // 2
        return self.check(names[:half]) | self.check(names[half:])

    def _rejection(self, name: str, run: _Run) -> Rejection:
        if run.is_late:
            return Rejection(
                f"promtool has not checked it within {self._timeout_seconds:g} s", lasting=False
            )
        if run.status != _FAULTY:
            raise PromtoolTrouble(
                f"promtool ended with status {run.status}", "check that it is Prometheus' own"
            )
        return Rejection(_reason(name, run.said) or "promtool rejects it without saying why")

    def _run(self, names: Sequence[str], seconds: float) -> _Run:
        try:
            process = subprocess.Popen(
                [self._program, "check", "rules", *names],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # A group of its own, so that its children end with it.
                start_new_session=True,
            )
        except OSError as problem:
            raise PromtoolTrouble(
                f"promtool cannot be run ({problem.strerror})",
                "install Prometheus' programs, or name it with PULSEGUARD_PROMTOOL",
            ) from problem
        late = threading.Event()
        timer = threading.Timer(seconds, _end, [process, late])
        timer.daemon = True
        timer.start()
        try:
            said = _read(process)
            timer.cancel()
            process.wait(self._timeout_seconds)
        except subprocess.TimeoutExpired:
            # It has closed its output and goes on.
            _end(process, late)
        finally:
            timer.cancel()
        return _Run(process.wait(), said, late.is_set())


def _read(process: subprocess.Popen[bytes]) -> str:
    """All that it says until it ends; what is too much is not kept."""
    assert process.stdout
    with process.stdout as output:
        said = output.read(OUTPUT_LIMIT_BYTES)
        while output.read(OUTPUT_LIMIT_BYTES):
            pass
    return said.decode(errors="replace")


def _end(process: subprocess.Popen[bytes], late: threading.Event) -> None:
    late.set()
    # Not waited for before this, so the number still is its own.
    os.killpg(process.pid, signal.SIGKILL)


def _reason(name: str, said: str) -> str:
    lines = [line.strip() for line in said.replace(f"{name}: ", "").splitlines()]
    noise = ("", "FAILED:", f"Checking {name}")
    return "; ".join(line for line in lines if line not in noise)[:REASON_LIMIT_CHARACTERS]
