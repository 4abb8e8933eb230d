"""Running on when the command has returned: a second process does the work."""

import os
import signal
from collections.abc import Callable
from pathlib import Path


def run_detached(run: Callable[[Callable[[], None]], int]) -> int:
    """Runs it in a process of its own, in which this function answers its exit status.

    In the process that called, it answers 0 as soon as `run` calls what it was given, else the exit
    status. Signals that come until then are passed on.
    """
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        # Away from the terminal: neither its Ctrl-C nor its end is meant for us.
        os.setsid()
        return run(lambda: _tell(write_end))
    os.close(write_end)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: os.kill(pid, signal.SIGTERM))
    if os.read(read_end, 1):
        return 0
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _tell(write_end: int) -> None:
    os.write(write_end, b"1")
    os.close(write_end)


def leave_terminal(log: Path) -> None:
    """Lets go of the terminal; what is still written, such as a traceback, goes to the log."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for target, source in ((0, nothing), (1, file), (2, file)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(file)
