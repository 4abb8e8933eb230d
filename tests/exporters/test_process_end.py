"""How an agent's process ends: with a goodbye, in time, and with the status it would have had."""

import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from tests.exporters.conftest import MakeAgent
from tests.exporters.ending import Processes, run_agent
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.observing import wait_until

# What is started there stays started: the main thread's own start comes too late.
IN_A_THREAD = "thread = threading.Thread(target={}); thread.start(); thread.join()"
FETCH = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())"


def first_line(process: subprocess.Popen[str]) -> list[str]:
    stream: IO[str] | None = process.stdout
    assert stream is not None
    return stream.readline().split()


@pytest.mark.parametrize(
    "before", ["", IN_A_THREAD.format("agent.start")], ids=["main thread", "another thread"]
)
def test_sigterm_says_goodbye_and_ends_as_sigterm_does(
    registry: FakeRegistry, processes: Processes, tmp_path: Path, before: str
) -> None:
    process = run_agent(processes, registry.url, tmp_path, "time.sleep(60)", before)
    first_line(process)

    process.terminate()

    assert process.wait(10) == -signal.SIGTERM
    assert len(registry.goodbyes) == 1
    assert registry.total("tasks_completed") == 1


@pytest.mark.parametrize(
    ("made_elsewhere", "own", "told"),
    [
        (True, signal.SIG_DFL, 1),
        (True, signal.SIG_IGN, 0),
        (True, lambda *_: None, 0),
        (False, signal.SIG_DFL, 0),
    ],
    ids=["unheard", "ignored", "handled by the agent", "made in the main thread"],
)
def test_an_agent_that_cannot_hear_sigterm_says_so_with_the_mend(
    make_agent: MakeAgent,
    caplog: pytest.LogCaptureFixture,
    made_elsewhere: bool,
    own: signal.Handlers,
    told: int,
) -> None:
    before = signal.signal(signal.SIGTERM, own)
    try:
        if made_elsewhere:
            in_a_thread(lambda: make_agent().start())
        else:
            in_a_thread(make_agent().start)
    finally:
        signal.signal(signal.SIGTERM, before)

    lines = [line for line in caplog.messages if "SIGTERM" in line]
    assert len(lines) == told
    assert all("invoice-bot" in line and "start() there" in line for line in lines)


def in_a_thread(action: Callable[[], None]) -> None:
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


def test_sigterm_in_the_middle_of_a_recording_does_not_lock_up(
    registry: FakeRegistry, processes: Processes, tmp_path: Path
) -> None:
    recording = (
        "with agent._recorder.series.lock:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    time.sleep(0.1)\n"
        "time.sleep(60)"
    )
    process = run_agent(processes, registry.url, tmp_path, recording)

    assert process.wait(10) == -signal.SIGTERM
    assert len(registry.goodbyes) == 1


def test_sigterm_is_left_to_an_agent_that_looks_after_it(
    registry: FakeRegistry, processes: Processes, tmp_path: Path
) -> None:
    own = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))"
    process = run_agent(processes, registry.url, tmp_path, "time.sleep(60)", before=own)
    first_line(process)

    process.terminate()

    assert process.wait(10) == 7
    assert len(registry.goodbyes) == 1


def test_sigterm_keeps_its_status_when_the_agent_ends_meanwhile(
    registry: FakeRegistry, processes: Processes, tmp_path: Path
) -> None:
    soon = "threading.Timer(0, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()\n"
    process = run_agent(processes, registry.url, tmp_path, soon + "time.sleep(0.02)")

    assert process.wait(10) == -signal.SIGTERM
    assert len(registry.goodbyes) == 1


def test_every_agent_of_a_process_says_goodbye_though_one_waits_for_a_scrape(
    registry: FakeRegistry, processes: Processes, tmp_path: Path
) -> None:
    another = (
        "other = Agent('other-bot', metrics_port=0)\n"
        "other.start()\n"
        "import urllib.request\n"
        "urllib.request.urlopen(f'http://{agent.metrics_address}/metrics').read()\n"
        "agent.evaluation('accuracy', 1.0)\n"
    )
    process = run_agent(processes, registry.url, tmp_path, another)

    assert process.wait(10) == 0
    assert len(set(registry.goodbyes)) == 2


def test_the_end_of_a_forked_child_is_not_the_agents(
    registry: FakeRegistry, processes: Processes, tmp_path: Path
) -> None:
    fork = (
        "import urllib.request\n"
        "urllib.request.urlopen(f'http://{agent.metrics_address}/metrics').read()\n"
        "agent.evaluation('accuracy', 1.0)\n"
        "began = time.monotonic()\n"
        "child = os.fork()\n"
        "if child == 0: sys.exit(0)\n"
        "status = os.waitpid(child, 0)[1]\n"
        "print(status, time.monotonic() - began < 3, flush=True)\n"
        "time.sleep(60)\n"
    )
    process = run_agent(processes, registry.url, tmp_path, fork)
    address = first_line(process)[1]
    assert first_line(process) == ["0", "True"]

    heartbeats = len(registry.requests)
    wait_until(lambda: len(registry.requests) > heartbeats)
    page = subprocess.run(
        [sys.executable, "-c", FETCH, f"http://{address}/metrics"], check=True, capture_output=True
    )

    assert page.returncode == 0
    assert registry.goodbyes == []


def test_a_killed_agent_comes_back_as_the_same_instance(
    registry: FakeRegistry, processes: Processes, tmp_path: Path
) -> None:
    first = run_agent(processes, registry.url, tmp_path, "time.sleep(60)")
    second = run_agent(processes, registry.url, tmp_path, "time.sleep(60)")
    instances = [first_line(first)[0], first_line(second)[0]]
    wait_until(lambda: len(registry.agents) == 2)

    first.kill()
    first.wait()
    third = run_agent(processes, registry.url, tmp_path, "time.sleep(60)")

    assert len(set(instances)) == 2
    assert first_line(third)[0] == instances[0]
    assert len(registry.agents) == 2
    assert registry.goodbyes == []


def test_a_last_scrape_is_waited_for_where_somebody_scrapes(
    registry: FakeRegistry, processes: Processes, tmp_path: Path
) -> None:
    scrape_then_work = (
        "import urllib.request\n"
        "urllib.request.urlopen(f'http://{agent.metrics_address}/metrics').read()\n"
        "agent.evaluation('accuracy', 1.0)\n"
        "print('worked', flush=True)\n"
    )
    process = run_agent(processes, registry.url, tmp_path, scrape_then_work)
    address = first_line(process)[1]
    first_line(process)
    wait_until(lambda: registry.goodbyes)

    page = subprocess.run(
        [sys.executable, "-c", FETCH, f"http://{address}/metrics"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    fetched = time.monotonic()

    assert 'pulseguard_evaluation_last_score_ratio{gen_ai_evaluation_name="accuracy"} 1.0' in page
    assert 'pulseguard_agent_state{state="draining"} 1\n' in page
    assert process.wait(10) == 0
    assert time.monotonic() - fetched < 1.0


def test_a_program_that_ctrl_c_ends_is_seen_as_such_whatever_is_imported_meanwhile(
    registry: FakeRegistry, processes: Processes, tmp_path: Path
) -> None:
    let_go = threading.Event()
    registry.fault = lambda path: None if let_go.wait(10) else "drop"
    process = run_agent(processes, registry.url, tmp_path, "time.sleep(60)")
    address = first_line(process)[1]

    process.send_signal(signal.SIGINT)
    time.sleep(0.3)  # by now it waits for the registry, and its first scrape imports psutil
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as page:
        page.read()
    let_go.set()

    assert process.wait(10) == -signal.SIGINT


def test_forking_again_and_again_registers_nothing_again(
    registry: FakeRegistry, processes: Processes, tmp_path: Path
) -> None:
    fork = (
        "from multiprocessing import util\n"
        "def fork():\n"
        "    child = os.fork()\n"
        "    child and os.waitpid(child, 0) or os._exit(0)\n"
        "fork()\n"
        "before = len(util._afterfork_registry)\n"
        "for _ in range(5): fork()\n"
        "print(len(util._afterfork_registry) - before, flush=True)\n"
    )
    process = run_agent(processes, registry.url, tmp_path, fork)
    first_line(process)

    assert first_line(process) == ["0"]
