"""SIGTERM while the main thread is in native code, where Python runs no handler of signals."""

import json
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.group.programs import HEAD, Program, programs_in
from tests.exporters.observing import wait_until

PULSEGUARD = Path(sys.executable).with_name("pulseguard")
# What a process has done before.
PROCESSES = {
    "in a log handler": "agent = made(); agent.start(); have_something_to_say(agent); log()",
    "made": "agent = made()",
    "started": "agent = made(); agent.start(); work(agent)",
    "started in a thread": "in_a_thread(made().start)",
    "port refused": "made(metrics_host='192.0.2.7').start()",
    "stopped in a thread": "agent = made(); agent.start(); in_a_thread(agent.stop)",
    "stopped, another made": "agent, other = made(), made(); agent.start(); agent.stop()",
    "forked, made": "agent = made(); fork()",
    "forked, started": "made().start(); fork()",
    "forked, port refused": "made(metrics_host='192.0.2.7').start(); fork()",
    "daemon": "agent = made(metrics_host='192.0.2.7'); fork(); os.closerange(3, 99); agent.start()",
}
RUN = "run"
# Of the others nobody was registered, or somebody is left who goes on.
SAY_GOODBYE = {
    "started",
    "started in a thread",
    "port refused",
    "in a log handler",
    "stopped in a thread",
    "stopped, another made",
    "daemon",
    RUN,
}
# What it may take, with what a busy machine adds; without an end, nothing is said for longer.
SECONDS_TO_END = 2.0 + 1.5
SECONDS_OF_SILENCE = 5.0
NATIVE = """
import hashlib

def be_in_native_code(who):
    say(who=who, process=os.getpid())
    hashlib.pbkdf2_hmac("sha256", b"", b"", 10**8)
"""
# Forked, which is cheaper than begun.
EACH = """
import logging

def made(**arguments):
    return Agent(who, **arguments)

def in_a_thread(action):
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()

def have_something_to_say(agent):
    for score in (7.0, 8.0):  # of the second a line tells at the end
        agent.evaluation("accuracy", score)

def log():
    handler = logging.Handler()
    handler.emit = lambda record: be_in_native_code(who)
    logging.getLogger().addHandler(handler)
    logging.error("this keeps the main thread in the handler, with its lock")

def fork():
    if os.fork():
        wait()
        os._exit(0)

def wait():
    process, status = os.wait()
    say(ended=process, status=os.waitstatus_to_exitcode(status), at=time.monotonic())

# Two at a time: each takes a whole processor.
for number, (who, code) in enumerate(json.loads(os.environ["PROCESSES"]).items()):
    if os.fork() == 0:
        exec(code)
        be_in_native_code(who)
    if number:
        wait()
wait()
"""
OF_RUN = f"import opentelemetry\nbe_in_native_code({RUN!r})\n"


class End(NamedTuple):
    """How a process ended that was sent SIGTERM."""

    status: int
    seconds: float
    goodbyes: int
    tasks: int


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, End]:
    """Of each process: all are signalled as soon as they are in native code."""
    folder = tmp_path_factory.mktemp("native")
    agent = folder / "agent.py"
    agent.write_text(HEAD + NATIVE + OF_RUN)
    with FakeRegistry() as registry, programs_in(folder) as programs:
        programs.environment["PULSEGUARD_REGISTRY_URL"] = registry.url
        command = [str(PULSEGUARD), "run", "--name", RUN, "--", sys.executable, str(agent)]
        run = programs.run(command)
        each = programs.start(NATIVE + EACH, PROCESSES=json.dumps(PROCESSES))
        found = ended(each)
        await_native_code(run.said())
        run.process.terminate()
        signalled = time.monotonic()
        found[RUN] = run.end(), time.monotonic() - signalled
        names = {number: str(agent["name"]) for number, agent in registry.agents.items()}
        goodbyes = [names[number] for number in registry.goodbyes]
        tasks = Counter[str]()
        for number, snapshots in registry.snapshots.items():
            tasks[names[number]] += sum(each["tasks_completed"] for each in snapshots.values())
    return {who: End(*end, goodbyes.count(who), tasks[who]) for who, end in found.items()}


def ended(each: Program) -> dict[str, tuple[int, float]]:
    """The exit status of each that has ended, and how long after the signal."""
    signalled: dict[int, tuple[str, float]] = {}
    found: dict[str, tuple[int, float]] = {}
    while len(found) < len(PROCESSES) and each.speaks(SECONDS_OF_SILENCE):
        said = each.said()
        if "who" in said:
            process = await_native_code(said)
            signalled[process] = str(said["who"]), time.monotonic()
            os.kill(process, signal.SIGTERM)
        elif said["ended"] in signalled:
            who, at = signalled[int(str(said["ended"]))]
            found[who] = int(str(said["status"])), float(str(said["at"])) - at
    return found


def await_native_code(said: dict[str, object]) -> int:
    """The process, once it is busy: it has nothing else to do."""
    process = psutil.Process(int(str(said["process"])))
    before = process.cpu_times().user
    wait_until(lambda: process.cpu_times().user >= before + 0.02)
    return process.pid


@pytest.mark.parametrize("who", [*PROCESSES, RUN])
def test_sigterm_ends_a_process_in_time_with_its_goodbye(ends: dict[str, End], who: str) -> None:
    assert who in ends, "it goes on"
    end = ends[who]
    assert end.status == -signal.SIGTERM
    assert end.seconds < SECONDS_TO_END
    assert end.goodbyes == (who in SAY_GOODBYE)


def test_its_last_values_are_told(ends: dict[str, End]) -> None:
    assert ends["started"].tasks == 1
