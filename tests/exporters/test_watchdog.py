"""The watchdog: what hangs ends with a status of its own and tells where it hangs; nothing else."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pulseguard.watchdog import HUNG, Watched, looks_in

PROGRAM = """
import logging, re, sys, threading, time
from pulseguard import watchdog
from pulseguard.watchdog import Watchdog, Watched

logging.basicConfig(format="%(levelname)s %(message)s")
is_well = True

def watch(**options):
    watched = [
        Watched("the clock has stopped", lambda: True, looks=1),
        Watched("the work has not gone on", lambda: is_well, looks=3),
    ]
    dog = Watchdog(watched, period_seconds=0.05, **options)
    dog.start()
    return dog
"""

HANG = """
def wait_for_what_never_comes():
    threading.Event().wait()

threading.Thread(target=wait_for_what_never_comes, name="worker", daemon=True).start()
is_well = False
time.sleep(20)
"""


@contextmanager
def program(text: str) -> Iterator[subprocess.Popen[str]]:
    """A Python program with a watchdog at hand."""
    command = [sys.executable, "-c", PROGRAM + text]
    with subprocess.Popen(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(text: str) -> tuple[int, str, str]:
    """Its status, and what it has said, once it has ended by itself."""
    with program(text) as process:
        output, errors = process.communicate(timeout=15)
        return process.returncode, output, errors


def test_what_hangs_ends_with_the_stacks_of_all_threads_and_a_line_at_the_end():
    status, output, errors = ended("print('begun')\nwatch()\n" + HANG)

    assert status == HUNG
    assert output == "begun\n"
    *stacks, line = errors.splitlines()
    assert re.fullmatch(
        r"CRITICAL the work has not gone on since 20\S+ \(failed looks in a row: 3\): the watchdog"
        rf" ends this process with status {HUNG}, for whoever runs it to start it again; .*",
        line,
    )
    assert " in wait_for_what_never_comes" in "\n".join(stacks)
    (identity,) = re.findall(r"(0x[0-9a-f]+) worker", stacks[0])
    assert f"Thread {identity} (most recent call first):" in stacks


@pytest.mark.parametrize(
    "text",
    [
        # As in a process whose other threads wait for a log that never comes to be free.
        "logging.getLogger().handlers[0].acquire()",
        # As beside a reader that reads no more.
        "threading.Thread(target=lambda: sys.stderr.write('.' * 200_000), daemon=True).start()",
    ],
    ids=["a lock", "a full pipe"],
)
def test_it_ends_where_nothing_can_be_said_any_more(text):
    with program(f"{text}\nwatchdog.LAST_WORDS_SECONDS = 0.3\nwatch()\n" + HANG) as process:
        assert process.wait(15) == HUNG


def test_code_that_never_lets_go_of_the_interpreter_ends_too_and_its_stack_is_told():
    status, _, errors = ended(
        "watch(lookless_seconds=0.3)\n"
        "def match_for_ever():\n"
        "    re.match(r'(a+)+$', 'a' * 60 + 'b')\n"
        "time.sleep(0.2)\n"
        "match_for_ever()\n"
    )

    assert status == HUNG
    assert " in match_for_ever" in errors


def test_what_goes_on_is_not_ended_however_much_it_computes():
    status, output, errors = ended(
        "dog = watch(lookless_seconds=0.3)\n"
        "end = time.process_time() + 1\n"
        "while time.process_time() < end: pass\n"
        "dog.stop()\n"
        "print('done')\n"
    )

    assert (status, output, errors) == (0, "done\n", "")


def test_after_its_end_neither_a_hang_nor_work_without_a_look_matters():
    status, output, errors = ended(
        "dog = watch(lookless_seconds=0.2)\n"
        "time.sleep(0.2)\n"
        "dog.stop()\n"
        "is_well = False\n"
        "end = time.process_time() + 0.5\n"
        "while time.process_time() < end: pass\n"
        "print('done')\n"
    )

    assert (status, output, errors) == (0, "done\n", "")


def test_one_that_is_not_armed_ends_nothing_and_tells_when_all_is_well_as_well():
    status, output, errors = ended(
        "told = []\n"
        "watch(is_armed=False, all_is_well=lambda: told.append(is_well))\n"
        "time.sleep(0.5)\n"
        "is_well = False\n"
        "time.sleep(0.5)\n"
        "before = len(told)\n"
        "time.sleep(0.5)\n"
        "print(before > 2, len(told) - before)\n"
    )

    assert (status, output, errors) == (0, "True 0\n", "")


def test_only_so_many_failed_looks_in_a_row_are_a_hang():
    seen = [True, False, False, True, False, False, False, False, True]
    watched = Watched("it has not gone on", iter(seen).__next__, looks=3)

    assert [watched.hangs() for _ in seen] == [False] * 6 + [True, True, False]


def test_it_is_said_since_when_something_does_not_go_on():
    watched = Watched("it has not gone on", iter([True, False]).__next__, looks=2)
    watched.hangs()
    seen_at = watched.since
    time.sleep(1.1)
    watched.hangs()

    assert watched.since == seen_at


def test_looks_are_as_many_as_take_that_long():
    assert looks_in(300, 2) == 151
    assert looks_in(0.1, 2) == 2


def test_an_agent_does_not_pay_for_it():
    code = "import sys, pulseguard; print({'pulseguard.watchdog', 'faulthandler'} & {*sys.modules})"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONFAULTHANDLER"}

    said = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True)

    assert said == "set()\n"
