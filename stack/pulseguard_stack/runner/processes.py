"""Processes of this machine as /proc tells of them: which are ours, and how they are ended."""

import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

PROC = Path("/proc")
# In the environment of everything the runner starts: the folder of the stack it belongs to.
MARK = "PULSEGUARD_STACK_DIR"
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Process:
    """One process; `started` tells it from a later one with the same pid, also after a reboot."""

    pid: int
    started: str


def process(pid: int) -> Process | None:
    """Answers the process that has this pid now; None where there is none, or only a zombie."""
    fields = _statistics(pid)
    if not fields or fields[0] in ("Z", "X"):
        return None
    boot = (PROC / "sys" / "kernel" / "random" / "boot_id").read_text(encoding="ascii")
    return Process(pid, f"{boot.strip()}/{fields[19]}")


def myself() -> Process:
    """This very process."""
    me = process(os.getpid())
    # /proc has it as long as it can ask.
    assert me
    return me


def is_alive(one: Process) -> bool:
    """Whether it still runs, and not another one that was given its pid."""
    return process(one.pid) == one


def marked(stack: Path) -> list[Process]:
    """Every process that was started for this stack, and what those have started in turn."""
    wanted = os.fsencode(f"{MARK}={stack}")
    found = (process(pid) for pid in _pids() if wanted in _environment(pid))
    return [each for each in found if each is not None and each.pid != os.getpid()]


def orphans(leader: int) -> list[Process]:
    """What is left of the session of a process that has just ended; it had begun one.

    Grafana runs plugins as processes, without our mark, and one that is killed leaves them.
    """
    # A pid that is in use as that of a session is given to nobody else (fork(2)).
    if process(leader):
        return []
    found = (process(pid) for pid in _pids() if _statistics(pid)[3:4] == [str(leader)])
    return [each for each in found if each is not None]


def postmaster(pid_file: Path) -> Process | None:
    """Answers the embedded PostgreSQL whose file this is, where it runs.

    It lives in a session of its own and may overwrite its environment, so its file is what tells.
    """
    try:
        pid, folder = pid_file.read_text(encoding="utf-8").splitlines()[:2]
        its_own = Path(folder).samefile(pid_file.parent)
        same = its_own and Path(f"/proc/{int(pid)}/cwd").samefile(folder)
    except (OSError, ValueError):
        return None
    return process(int(pid)) if same else None


def family(one: Process) -> set[int]:
    """Answers the pids of a process and of all that it has started."""
    try:
        children = psutil.Process(one.pid).children(recursive=True)
    except psutil.Error:
        children = []
    return {one.pid, *(each.pid for each in children)}


def end(
    processes: Sequence[Process],
    *,
    deadline_seconds: float,
    number: signal.Signals = signal.SIGTERM,
) -> list[Process]:
    """Asks them all to end, kills after the deadline what has not; answers what had to be killed.

    Returns when none of them is alive any more.
    """
    _send(processes, number)
    stubborn = wait_until_gone(processes, deadline_seconds)
    _send(stubborn, signal.SIGKILL)
    wait_until_gone(stubborn, deadline_seconds)
    return stubborn


def wait_until_gone(processes: Iterable[Process], seconds: float) -> list[Process]:
    """Answers those that are still alive after this time, at once when there are none."""
    left = list(processes)

    def all_gone() -> bool:
        left[:] = [each for each in left if is_alive(each)]
        return not left

    wait_for(all_gone, seconds)
    return left


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Looks until the condition holds, at most for this time; whether it does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _send(processes: Iterable[Process], number: signal.Signals) -> None:
    for each in processes:
        with suppress(ProcessLookupError, PermissionError):
            if is_alive(each):
                os.kill(each.pid, number)


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal()]


def _statistics(pid: int) -> list[str]:
    """The fields of its `stat` from the state on; none where it has ended."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    # The name, in brackets, may itself hold blanks and brackets (proc_pid_stat(5)).
    return text.rpartition(")")[2].split()


def _environment(pid: int) -> list[bytes]:
    try:
        return (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []
