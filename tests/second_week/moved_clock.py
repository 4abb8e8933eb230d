"""Runs a program whose wall clock goes so many seconds ahead, from its first instruction on.

Usage: moved_clock.py [--user NAME] -- SECONDS PROGRAM ARGUMENTS…

The program takes the place of this one, and keeps its number. A process that nobody waits for stops
it right at its start, moves its clock and leaves it alone; a shell's it follows to the program that
takes the shell's place. What the program starts itself has its clock where it is forked, and the
machine's where it executes another program.

What the kernel says of times stays the machine's: those of files, and when a process began, as
Prometheus tells it of itself.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.second_week.vdso import ClockNotMoved, move_clock

REPOSITORY = Path(__file__).parents[2]
_SEIZE, _CONTINUE, _DETACH = 0x4206, 7, 17
_TRACE_EXEC, _EXEC_EVENT = 0x10, 4
_SET_PTRACER, _ANYBODY = 0x59616D61, -1
_EXEC_STOP: Final = signal.SIGTRAP | _EXEC_EVENT << 8
_SHELLS: Final = ("sh", "dash", "bash", "busybox")
_libc = ctypes.CDLL(None, use_errno=True)


def moved_command(seconds: int, user: str = "") -> list[str]:
    """What goes before a program and its arguments, in any folder."""
    python = ["env", f"PYTHONPATH={python_path()}", sys.executable]
    return [*python, *moved_arguments(seconds, user)]


def moved_arguments(seconds: int, user: str = "") -> list[str]:
    """The same for a Python that has `python_path`."""
    who = ["--user", user] if user else []
    return ["-m", "tests.second_week.moved_clock", *who, "--", str(seconds)]


def python_path() -> str:
    """Where this program is found, and what the tests find."""
    return os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH", "")])])


def main(argv: Sequence[str]) -> None:
    """Become the program."""
    given = _parser().parse_args(argv)
    # Where Yama is on, else nobody but a parent may trace.
    _libc.prctl(_SET_PTRACER, ctypes.c_ulong(_ANYBODY), 0, 0, 0)
    _start_tracer(given.seconds, given.user)
    _become(given.user)
    os.execvp(given.program[0], given.program)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=int)
    parser.add_argument("--user", default="", help="who it is to run as")
    parser.add_argument("program", nargs="+")
    return parser


def _become(user: str) -> None:
    if user:
        known = pwd.getpwnam(user)
        os.setgroups([])
        os.setgid(known.pw_gid)
        os.setuid(known.pw_uid)


def _start_tracer(seconds: int, user: str) -> None:
    """Return once this process is traced."""
    program = os.getpid()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            os.close(reading)
            _trace(program, seconds, user, writing)
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as answer:
        if problem := answer.read():
            sys.exit(f"moved_clock: {problem}")


def _trace(program: int, seconds: int, user: str, writing: int) -> None:
    try:
        _ask(_SEIZE, program, _TRACE_EXEC)
    except OSError as error:
        os.write(writing, f"the kernel lets nobody trace it ({error.strerror})".encode())
        os._exit(1)
    # In a container root may not look into another user's program.
    _become(user)
    os.close(writing)
    try:
        is_shell = True
        while is_shell:
            _wait_for_exec(program)
            move_clock(program, seconds)
            is_shell = Path(f"/proc/{program}/exe").readlink().name in _SHELLS
            if is_shell:
                _ask(_CONTINUE, program, 0)
    except (ClockNotMoved, OSError) as problem:
        # With the machine's clock it would be another test.
        os.kill(program, signal.SIGKILL)
        os.write(2, f"moved_clock: {problem}\n".encode())
        os._exit(1)
    _ask(_DETACH, program, 0)
    os._exit(0)


def _wait_for_exec(program: int) -> None:
    while True:
        _, status = os.waitpid(program, 0)
        if not os.WIFSTOPPED(status):
            os._exit(1)
        if status >> 8 == _EXEC_STOP:
            return
        _ask(_CONTINUE, program, os.WSTOPSIG(status))


def _ask(request: int, pid: int, data: int) -> None:
    null = ctypes.c_void_p(0)
    if _libc.ptrace(request, pid, null, ctypes.c_void_p(data)) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    main(sys.argv[1:])
