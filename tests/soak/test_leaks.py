"""A leak is seen, in the numbers and of a real process; what only moves is not called one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from bench.soak.judge import HOUR, LIMITS, Points, judge
from bench.soak.observed import Observed
from bench.soak.processes import Usage, usage
from bench.soak.report import report
from bench.soak.sampling import Key, Quantity

LEAKING = """
import sys, time
kept = []
while True:
    kept.append((bytearray(100_000), open("/dev/null")))
    time.sleep(0.02)
"""
STEADY = """
import time
while True:
    some = bytearray(100_000), open("/dev/null")
    time.sleep(0.02)
"""
# So much longer counts every second of what is watched here: three are an hour.
LOOKS, EVERY = 60, 0.05
QUANTITIES: tuple[Quantity, ...] = ("memory", "descriptors", "threads")
FASTER = HOUR / (LOOKS * EVERY)


@contextmanager
def started(program: str) -> Iterator[int]:
    """The program at work, below another one, as those of a container are below docker/watched."""
    shell = ["sh", "-c", '"$0" -c "$1" & echo started; wait', sys.executable, program]
    with subprocess.Popen(shell, stdout=subprocess.PIPE, process_group=0) as process:
        assert process.stdout
        try:
            process.stdout.readline()
            yield process.pid
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def watched(program: str) -> dict[Quantity, Points]:
    """An hour of it, each second of which is twenty minutes."""
    seen: list[tuple[float, Usage]] = []
    with started(program) as pid:
        time.sleep(0.3)  # the interpreter starts
        for _ in range(LOOKS):
            seen.append((FASTER * time.monotonic(), usage(pid)))
            time.sleep(EVERY)
    return {
        quantity: [(at, float(getattr(each, quantity))) for at, each in seen]
        for quantity in QUANTITIES
    }


def grows(quantity: str, points: Points) -> bool:
    return judge(points, LIMITS[quantity]).grows


def test_a_process_that_leaks_memory_and_descriptors_is_seen_to_grow() -> None:
    seen = watched(LEAKING)

    assert grows("memory", seen["memory"])
    assert grows("descriptors", seen["descriptors"])
    assert not grows("threads", seen["threads"])
    # It adds about as many descriptors as packets of 100 kB.
    packets = judge(seen["descriptors"], LIMITS["descriptors"]).an_hour
    bytes_each = judge(seen["memory"], LIMITS["memory"]).an_hour / packets
    assert bytes_each == pytest.approx(100_000, rel=0.2)


def test_it_is_a_fault_of_the_run_and_stands_in_the_report() -> None:
    seen = watched(LEAKING)
    series = {Key("leaking", quantity): points for quantity, points in seen.items()}
    observed = Observed(agents=500, samples=241, seconds=HOUR, series=series, answers={})

    faults = list(observed.faults())

    assert [fault.partition(", by")[0] for fault in faults] == [
        "leaking: memory grows",
        "leaking: descriptors grows",
    ]
    assert "**grows: memory, descriptors**" in report(observed, {})


def test_a_process_that_lets_go_of_all_it_takes_is_flat() -> None:
    seen = watched(STEADY)

    for quantity, points in seen.items():
        assert not grows(quantity, points), quantity
