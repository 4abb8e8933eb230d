"""How a process and its host are doing, by psutil."""

import time
from collections.abc import Iterator

import psutil

from pulseguard.catalog import (
    HOST_CPU,
    HOST_MEMORY_AVAILABLE,
    PROCESS_CPU,
    PROCESS_MEMORY,
    PROCESS_OPEN_FDS,
    PROCESS_THREADS,
    Metric,
)


class ProcessReader:
    """Reads a process, without a number this one; the CPU ratio is since the last reading.

    The first reading's is since its start. psutil.Error where it has ended.
    """

    def __init__(self, number: int | None = None) -> None:
        self._process = psutil.Process(number)
        self._read_at = time.monotonic() - max(time.time() - self._process.create_time(), 0)
        self._process_seconds = 0.0

    def read(self) -> Iterator[tuple[Metric, float]]:
        """Every value that this platform gives."""
        with self._process.oneshot():
            yield PROCESS_CPU, self._cpu_ratio()
            yield PROCESS_MEMORY, self._process.memory_info().rss
            yield PROCESS_THREADS, self._process.num_threads()
        if hasattr(self._process, "num_fds"):
            yield PROCESS_OPEN_FDS, self._process.num_fds()

    def _cpu_ratio(self) -> float:
        now, used = time.monotonic(), self._cpu_seconds()
        elapsed, consumed = now - self._read_at, used - self._process_seconds
        self._read_at, self._process_seconds = now, used
        return max(consumed / elapsed, 0.0) if elapsed > 0 else 0.0

    def _cpu_seconds(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


class HostReader:
    """Reads this process and its host; the first reading's CPU ratio says nothing of the host."""

    def __init__(self) -> None:
        self._process = ProcessReader()
        self._host_known = False

    def read(self) -> Iterator[tuple[Metric, float]]:
        """Every value that this platform gives."""
        yield from self._process.read()
        host_cpu = psutil.cpu_percent(None) / 100
        if self._host_known:
            yield HOST_CPU, host_cpu
        self._host_known = True
        yield HOST_MEMORY_AVAILABLE, psutil.virtual_memory().available
