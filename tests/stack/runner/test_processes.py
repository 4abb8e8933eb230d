"""Whose a process is: told by its start and its mark, never by its pid alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pulseguard_stack.runner.leftovers import end_leftovers
from pulseguard_stack.runner.lock import RunnerLock
from pulseguard_stack.runner.places import Places
from pulseguard_stack.runner.processes import MARK, Process, end, is_alive, process
from pulseguard_stack.runner.run_file import (
    Addresses,
    Run,
    RunningComponent,
    read_run,
    write_run,
)

ADDRESSES = Addresses("http://r", "http://p", "http://a", None, None)
STUBBORN = "import signal, sys, time; signal.signal(15, signal.SIG_IGN); print('on', flush=True)"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(tmp_path / "data")
    places.make_folders()
    return places


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that nothing here has started for a stack."""
    with subprocess.Popen(["sleep", "60"]) as sleeping:
        yield sleeping
        sleeping.kill()


def known(popen: subprocess.Popen[bytes]) -> Process:
    found = process(popen.pid)
    assert found
    return found


def note(places: Places, component: Process) -> Run:
    log = places.log("sync")
    running = [RunningComponent("sync", component, log)]
    run = Run(ADDRESSES, places.key("viewer"), True, Process(1, "long ago"), running)
    write_run(places.run_file, run)
    return run


def test_a_process_that_was_given_the_pid_of_a_component_is_left_alone(places, stranger):
    note(places, replace(known(stranger), started="before the last boot/1"))

    assert end_leftovers(places) == 0
    assert stranger.poll() is None


def test_a_component_that_run_json_names_is_ended(places, stranger):
    note(places, known(stranger))

    assert end_leftovers(places) == 1
    assert stranger.wait(5) == -signal.SIGTERM


def test_what_carries_the_mark_of_this_stack_is_ended_without_run_json(places):
    mark = {**os.environ, MARK: str(places.stack)}
    other = {**os.environ, MARK: f"{places.stack}2"}
    with (
        subprocess.Popen(["sleep", "60"], env=mark, start_new_session=True) as ours,
        subprocess.Popen(["sleep", "60"], env=other) as of_another_stack,
    ):
        assert end_leftovers(places) == 1

        assert ours.wait(5) == -signal.SIGTERM
        assert of_another_stack.poll() is None
        of_another_stack.kill()


def test_what_does_not_end_when_asked_is_killed():
    script = f"{STUBBORN}; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as stubborn:
        assert stubborn.stdout
        assert stubborn.stdout.readline() == b"on\n"
        one = known(stubborn)

        assert end([one], deadline_seconds=0.2) == [one]
        assert stubborn.wait(5) == -signal.SIGKILL


def test_what_has_ended_but_was_not_waited_for_is_not_alive(stranger):
    one = known(stranger)
    assert is_alive(one)

    stranger.kill()
    os.waitid(os.P_PID, stranger.pid, os.WEXITED | os.WNOWAIT)

    assert not is_alive(one)


def test_what_runs_is_read_back_as_it_was_written(places, stranger):
    run = note(places, known(stranger))

    assert read_run(places.run_file) == run
    assert places.run_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"runner_pid": "x"}'])
def test_a_run_file_that_is_not_ours_is_no_run(places, text):
    places.run_file.write_text(text)

    assert read_run(places.run_file) is None


def test_only_one_runner_has_the_lock_and_its_end_gives_it_back(places):
    code = (
        "import sys, pathlib; from pulseguard_stack.runner.lock import RunnerLock;"
        f"lock = RunnerLock(pathlib.Path({str(places.lock_file)!r}));"
        "print(lock.take(), flush=True); sys.stdin.read()"
    )
    lock = RunnerLock(places.lock_file)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == b"True\n"

        assert not lock.take()
        assert lock.holder() == known(other)
        other.kill()
        other.wait()

        assert lock.take()
    lock.release()
