"""What is seen of a program that knows nothing of PulseGuard: its agent, and its processes."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
from pathlib import Path

import psutil
import pytest

from pulseguard.catalog import (
    AGENT_STATE,
    PROCESS_CPU,
    PROCESS_MEMORY,
    PROCESS_OPEN_FDS,
    PROCESS_THREADS,
    PROCESSES,
)
from pulseguard.running.process_tree import ProcessTree
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.observing import total, wait_until
from tests.exporters.running.conftest import Runner, line

# Two children that wait, with memory, threads and descriptors of known size.
TREE = """
import os, sys, threading, time
children = [os.fork() for _ in range(1)]
children += [os.fork()] if children[0] else []
block = bytearray(64 << 20)
files = [open("/dev/null") for _ in range(50)]
event = threading.Event()
threads = [threading.Thread(target=event.wait, daemon=True) for _ in range(10)]
for thread in threads: thread.start()
os.write(1, b"there\\n")
sys.stdin.readline()
"""


def test_a_program_is_an_agent_while_it_runs(runner: Runner) -> None:
    flags = ("--version", "2.1", "--team", "finance", "--environment", "test", "--instance", "a")
    process = runner.start("--name", "shop", *flags, "--type", "TASK_AGENT", "--", "sleep", "60")

    agent = runner.agent()

    told = {name: agent[name] for name in ("name", "version", "team", "environment", "instance")}
    assert told == {
        "name": "shop",
        "version": "2.1",
        "team": "finance",
        "environment": "test",
        "instance": "a",
    }
    assert agent["type"] == "TASK_AGENT"
    wait_until(lambda: "working" in runner.states())
    assert process.poll() is None


def test_the_process_metrics_are_sums_over_the_tree(runner: Runner) -> None:
    process = runner.python(TREE)
    for _ in range(3):
        line(process)

    page = runner.page()

    assert total(page, PROCESSES) == 3
    assert total(page, PROCESS_THREADS) == 33
    assert total(page, PROCESS_OPEN_FDS) >= 150
    assert 3 * (64 << 20) < total(page, PROCESS_MEMORY) < 6 * (64 << 20)
    assert total(page, AGENT_STATE, state="working") == 1


def test_processor_time_of_the_dead_counts_once_and_nothing_goes_below_zero() -> None:
    # Each child works 0.2 s and is gone.
    code = """
import os, sys, time
def work(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end: pass
def once():
    child = os.fork()
    if not child: work(0.2); os._exit(0)
    os.waitpid(child, 0)
print("there", flush=True)
for _ in sys.stdin:
    once(); once()
    print("done", flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        line(process)
        tree = ProcessTree(process.pid, time.monotonic())
        tree.read()
        used = []
        for _ in range(3):
            began = time.monotonic()
            process.stdin.write("\n")
            process.stdin.flush()
            line(process)
            ratio = tree.read()[PROCESS_CPU.name][0][1]
            assert isinstance(ratio, float)
            used.append(ratio * (time.monotonic() - began))
        process.stdin.close()

    assert all(0.35 < seconds < 0.7 for seconds in used), used


def test_an_end_that_nobody_waited_for_leaves_the_ratio_at_what_the_others_do() -> None:
    code = """
import os, sys, time
child = os.fork()
if not child:
    end = time.process_time() + 0.5
    while time.process_time() < end: pass
    print("there", flush=True)
    sys.stdin.readline()
    os._exit(0)
sys.stdin.close()
import signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
try: os.wait()
except ChildProcessError: pass
print("gone", flush=True)
signal.pause()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        line(process)
        tree = ProcessTree(process.pid, time.monotonic())
        tree.read()
        psutil.Process(process.pid).children()[0].kill()
        line(process)
        after = tree.read()
        process.kill()

    ratio = after[PROCESS_CPU.name][0][1]
    assert isinstance(ratio, float)
    assert ratio >= 0
    assert after[PROCESSES.name][0][1] == 1


@pytest.mark.alone  # all that is to be told has the 2 s that an end may take
def test_a_clean_end_says_goodbye(runner: Runner) -> None:
    runner.run("--", "true")

    assert runner.states()[-1] == "goodbye"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_end_that_the_operator_wanted_says_goodbye(runner: Runner, number: int) -> None:
    process = runner.start("--", "sleep", "60")
    runner.agent()

    process.send_signal(number)

    assert process.wait(10) == -number
    assert runner.states()[-1] == "goodbye"


def test_an_error_status_after_sigterm_says_goodbye(runner: Runner) -> None:
    process = runner.start("--", "sh", "-c", "trap 'exit 1' TERM; echo there; read x")
    line(process)
    runner.agent()

    process.terminate()

    assert process.wait(10) == 1
    assert runner.states()[-1] == "goodbye"


@pytest.mark.parametrize("crash", ["exit 3", "kill -SEGV $$", "kill -9 $$"])
def test_a_crash_is_missed(runner: Runner, crash: str) -> None:
    process = runner.start("--", "sh", "-c", f"read x; {crash}")
    address = runner.agent()["metrics_address"]

    process.communicate("\n", timeout=10)

    assert runner.states()[-1] == "failed"
    assert "goodbye" not in runner.states()
    with pytest.raises(urllib.error.URLError):
        runner.page()
    assert address


def test_a_crash_at_once_is_missed_too(runner: Runner) -> None:
    ran = runner.run("--", "sh", "-c", "exit 1")

    assert ran.returncode == 1
    assert runner.agent()["name"] == "sh"
    assert set(runner.states()) == {"failed"}


def test_without_a_registry_a_short_program_is_not_talked_about(runner: Runner) -> None:
    runner.variables = {"PULSEGUARD_REGISTRY_URL": ""}

    ran = runner.run("--", "true")

    assert (ran.returncode, ran.stderr) == (0, "")


def test_two_runs_of_one_program_are_two_agents(runner: Runner, registry: FakeRegistry) -> None:
    runner.start("--", "sleep", "60")
    runner.start("--", "sleep", "60")

    wait_until(lambda: len(runner.agents()) == 2)

    assert len({agent["instance"] for agent in runner.agents()}) == 2


def test_a_registry_that_is_away_holds_up_neither_start_nor_end(runner: Runner) -> None:
    runner.variables = {"PULSEGUARD_REGISTRY_URL": "http://127.0.0.1:1"}
    began = time.monotonic()

    ran = runner.run("--", "sh", "-c", "exit 4")

    assert ran.returncode == 4
    assert time.monotonic() - began < 5


def test_a_folder_that_cannot_be_used_does_not_keep_the_program_from_running(
    runner: Runner, tmp_path: Path
) -> None:
    (tmp_path / f"pulseguard-{os.geteuid()}").write_text("in the way")
    (tmp_path / "pulseguard-slots").write_text("in the way")

    ran = runner.run("--", "sh", "-c", "exit 5")

    assert ran.returncode == 5
    assert set(runner.states()) == {"failed"}
    assert "what is within the program is not measured" in ran.stderr
