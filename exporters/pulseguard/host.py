"""How the process and its host are doing, by psutil."""

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


class HostReader:
    """Reads process and host; the CPU ratios speak of the time since the last reading."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._read_at = time.monotonic()
        self._process_seconds = self._cpu_seconds()
        psutil.cpu_percent(None)

    def read(self) -> Iterator[tuple[Metric, float]]:
        """Every value that this platform gives."""
        with self._process.oneshot():
            yield PROCESS_CPU, self._cpu_ratio()
            yield PROCESS_MEMORY, self._process.memory_info().rss
            yield PROCESS_THREADS, self._process.num_threads()
        if hasattr(self._process, "num_fds"):
            yield PROCESS_OPEN_FDS, self._process.num_fds()
        yield HOST_CPU, psutil.cpu_percent(None) / 100
        yield HOST_MEMORY_AVAILABLE, psutil.virtual_memory().available

    def _cpu_ratio(self) -> float:
        now, used = time.monotonic(), self._cpu_seconds()
        elapsed, consumed = now - self._read_at, used - self._process_seconds
        self._read_at, self._process_seconds = now, used
        return max(consumed / elapsed, 0.0) if elapsed > 0 else 0.0

    def _cpu_seconds(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)
