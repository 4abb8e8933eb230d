"""What a process and its descendants use, by psutil: a program and everything that it starts."""

import time
from typing import Final, NamedTuple

import psutil

from pulseguard.catalog import (
    PROCESS_CPU,
    PROCESS_MEMORY,
    PROCESS_OPEN_FDS,
    PROCESS_THREADS,
    PROCESSES,
    Metric,
)
from pulseguard.recording.series import Readings

_SUMMED: Final = (PROCESS_MEMORY, PROCESS_THREADS, PROCESS_OPEN_FDS)


class _Use(NamedTuple):
    """Of one process: its own processor time, and with that of the children it has waited for."""

    own_seconds: float
    whole_seconds: float
    amounts: dict[Metric, float]


class ProcessTree:
    """Reads a process and its descendants.

    The CPU ratio is since the last reading, the first one's since `began` (time.monotonic). Who
    comes and goes in between is in the times of the parent that waited for it.
    """

    def __init__(self, root: int, began: float) -> None:
        self._root = root
        self._read_at = began
        self._before: dict[tuple[int, float], _Use] = {}

    def add_to(self, own: Readings) -> Readings:
        """These readings of a process, with the tree's in the place of its own."""
        return own | self.read()

    def read(self) -> Readings:
        """The sums over all processes that live; what may not be read of one is left out."""
        uses = {(each.pid, each.create_time()): _use(each) for each in self._processes()}
        found = {key: use for key, use in uses.items() if use is not None}
        sums: dict[Metric, float] = {PROCESS_CPU: self._cpu_ratio(found), PROCESSES: len(found)}
        for metric in _SUMMED:
            told = [use.amounts[metric] for use in found.values() if metric in use.amounts]
            sums[metric] = sum(told)
        return {metric.name: [((), value)] for metric, value in sums.items()}

    def _processes(self) -> list[psutil.Process]:
        try:
            root = psutil.Process(self._root)
            return [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _cpu_ratio(self, now_used: dict[tuple[int, float], _Use]) -> float:
        before, self._before = self._before, now_used
        now = time.monotonic()
        elapsed, self._read_at = now - self._read_at, now
        whole = sum(use.whole_seconds for use in now_used.values())
        whole -= sum(use.whole_seconds for use in before.values())
        # Where somebody ended whom nobody waited for, the sum falls; the others still worked.
        survivors = sum(
            use.own_seconds - before[key].own_seconds
            for key, use in now_used.items()
            if key in before
        )
        return max(whole, survivors, 0.0) / elapsed if elapsed > 0 else 0.0


def _use(process: psutil.Process) -> _Use | None:
    amounts: dict[Metric, float] = {}
    try:
        with process.oneshot():
            times = process.cpu_times()
            own = times.user + times.system
            whole = own + times.children_user + times.children_system
            amounts[PROCESS_MEMORY] = process.memory_info().rss
            amounts[PROCESS_THREADS] = process.num_threads()
        # Last: of another user's process it may not be read.
        amounts[PROCESS_OPEN_FDS] = process.num_fds()
    except psutil.AccessDenied:
        if PROCESS_THREADS not in amounts:
            return None
    except psutil.Error:
        return None
    return _Use(own, whole, amounts)


def is_within(process: int, root: int) -> bool:
    """Whether this process is the root or a descendant; not, where it has ended."""
    try:
        return process == root or any(
            each.pid == root for each in psutil.Process(process).parents()
        )
    except (psutil.Error, ValueError):
        return False
