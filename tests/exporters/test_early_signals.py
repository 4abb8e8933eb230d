"""Signals that are told at once: this process' own, and only where nobody else wants the bytes."""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pulseguard import early_signals
from tests.exporters.observing import wait_until

NUMBER = signal.SIGUSR1


@pytest.fixture
def told() -> Iterator[list[str]]:
    """Nobody's descriptor at first, and a handler of Python's, without which no byte is written."""
    handler = signal.signal(NUMBER, lambda *_: None)
    signal.set_wakeup_fd(-1)
    yield []
    # Not what was there before: an agent's, which a test here may have closed.
    signal.set_wakeup_fd(-1)
    signal.signal(NUMBER, handler)


@pytest.fixture
def tap(told: list[str]) -> Iterator[early_signals.Tap]:
    early_signals.listen(NUMBER, lambda: told.append("came"))
    tap = early_signals.open_tap()
    assert tap is not None
    with tap:
        yield tap
    early_signals.hush()


def test_a_signal_is_told_of_once(tap: early_signals.Tap, told: list[str]) -> None:
    os.kill(os.getpid(), NUMBER)
    tap.hear()
    tap.hear()

    assert told == ["came"]


def test_other_signals_and_those_of_other_processes_are_not_told_of(
    tap: early_signals.Tap, told: list[str]
) -> None:
    descriptor = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(descriptor, warn_on_full_buffer=False)
    os.write(descriptor, bytes([signal.SIGUSR2]))
    tap.hear()
    subprocess.run(["printf", f"\\{NUMBER:03o}"], stdout=descriptor, check=True)
    tap.hear()

    assert told == []


def test_what_came_before_somebody_listens_again_is_left_to_the_handlers(
    tap: early_signals.Tap, told: list[str]
) -> None:
    os.kill(os.getpid(), NUMBER)
    early_signals.listen(NUMBER, lambda: told.append("came"))
    tap.hear()

    assert told == []


def test_another_tap_takes_nothing_from_the_first(tap: early_signals.Tap, told: list[str]) -> None:
    os.kill(os.getpid(), NUMBER)
    other = early_signals.open_tap()
    assert other is not None
    other.close()
    tap.hear()

    assert told == ["came"]


def ears() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "pulseguard-signals"]


def test_without_a_tap_there_is_one_thread_that_hears_and_with_one_there_is_none(
    told: list[str],
) -> None:
    for _ in range(2):
        early_signals.listen(NUMBER, lambda: told.append("came"))
    wait_until(lambda: len(ears()) == 1)
    os.kill(os.getpid(), NUMBER)
    wait_until(lambda: told == ["came"])

    first, second = early_signals.open_tap(), early_signals.open_tap()
    assert first is not None
    assert second is not None
    wait_until(lambda: not ears())
    first.close()
    assert not ears()
    with early_signals.transition():
        second.close()
        assert not ears()
    assert len(ears()) == 1
    early_signals.hush()
    wait_until(lambda: not ears())


def test_a_fork_finds_no_thread_of_ours_and_leaves_no_descriptor(told: list[str]) -> None:
    early_signals.listen(NUMBER, lambda: told.append("came"))
    wait_until(lambda: len(ears()) == 1)
    before = psutil.Process().num_fds()

    early_signals.before_fork()
    during = ears()
    early_signals.after_fork()

    assert during == []
    assert len(ears()) == 1
    wait_until(lambda: psutil.Process().num_fds() == before)
    early_signals.hush()
    wait_until(lambda: not ears())


@pytest.mark.parametrize("comes_first", [True, False])
def test_whoever_else_wants_the_bytes_keeps_them(told: list[str], comes_first: bool) -> None:
    theirs, far_end = socket.socketpair()
    with theirs, far_end:
        theirs.setblocking(False)
        if comes_first:
            signal.set_wakeup_fd(theirs.fileno())
            early_signals.listen(NUMBER, lambda: told.append("came"))
        else:
            early_signals.listen(NUMBER, lambda: told.append("came"))
            signal.set_wakeup_fd(theirs.fileno())
            early_signals.hush()

        assert signal.set_wakeup_fd(-1) == theirs.fileno()


def test_where_somebody_else_has_the_bytes_no_thread_waits_for_them(told: list[str]) -> None:
    theirs, far_end = socket.socketpair()
    with theirs, far_end:
        theirs.setblocking(False)
        signal.set_wakeup_fd(theirs.fileno())
        early_signals.listen(NUMBER, lambda: told.append("came"))
        wait_until(lambda: not ears())
        signal.set_wakeup_fd(-1)


def test_a_daemon_that_closed_all_it_inherited_writes_into_nothing_of_its_own(
    tap: early_signals.Tap,
) -> None:
    descriptor = signal.set_wakeup_fd(-1)
    with Path(os.devnull).open("wb") as strange:
        os.dup2(strange.fileno(), descriptor)
        early_signals.listen(NUMBER, lambda: None)
        now = signal.set_wakeup_fd(-1)
    os.close(descriptor)

    assert now not in (-1, descriptor)
