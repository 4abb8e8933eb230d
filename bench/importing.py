"""What `import pulseguard` costs a process that did not have it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

from bench.rounds import Amount, Comparison, Result, scaled

ROUNDS = 15
MEMORY = """
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * {page} / 2**20
import {beside}
before = resident()
import pulseguard
print(resident() - before)
"""


def run() -> Iterator[Result]:
    """CPU time of the import beside its floor, and memory beside a client library."""
    rounds = [
        (_seconds("import pulseguard"), _seconds("import prometheus_client, psutil"), _seconds(""))
        for _ in range(ROUNDS)
    ]
    yield Comparison(
        "import",
        "ms",
        scaled([ours - nothing for ours, _, nothing in rounds], 1e3),
        scaled([floor - nothing for _, floor, nothing in rounds], 1e3),
        "prometheus_client + psutil",
        1.2,
    )
    yield Amount("import, memory beside openai", "MiB", [_memory() for _ in range(5)], 5.0)


def _seconds(code: str) -> float:
    """CPU seconds of a whole interpreter that runs this."""
    child = subprocess.Popen([sys.executable, "-c", code])
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = status
    with suppress(ChildProcessError):
        child.wait()
    assert status == 0, code
    return used.ru_utime + used.ru_stime


def _memory() -> float:
    code = MEMORY.format(page=os.sysconf("SC_PAGE_SIZE"), beside="openai")
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return float(told.stdout)
