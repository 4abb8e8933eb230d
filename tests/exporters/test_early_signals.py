"""Signals that are told at once: this process' own, and only where nobody else wants the bytes."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulseguard import early_signals

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
def tap(told: list[str]) -> Iterator[socket.socket]:
    early_signals.listen(NUMBER, lambda: told.append("came"))
    tap = early_signals.open_tap()
    assert tap is not None
    with tap:
        yield tap
    early_signals.hush()


def test_a_signal_is_told_of_once(tap: socket.socket, told: list[str]) -> None:
    os.kill(os.getpid(), NUMBER)
    early_signals.hear(tap)
    early_signals.hear(tap)

    assert told == ["came"]


def test_other_signals_and_those_of_other_processes_are_not_told_of(
    tap: socket.socket, told: list[str]
) -> None:
    descriptor = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(descriptor, warn_on_full_buffer=False)
    os.write(descriptor, bytes([signal.SIGUSR2]))
    early_signals.hear(tap)
    subprocess.run(["printf", f"\\{NUMBER:03o}"], stdout=descriptor, check=True)
    early_signals.hear(tap)

    assert told == []


def test_what_came_before_somebody_listens_again_is_left_to_the_handlers(
    tap: socket.socket, told: list[str]
) -> None:
    os.kill(os.getpid(), NUMBER)
    early_signals.listen(NUMBER, lambda: told.append("came"))
    early_signals.hear(tap)

    assert told == []


def test_another_tap_takes_nothing_from_the_first(tap: socket.socket, told: list[str]) -> None:
    os.kill(os.getpid(), NUMBER)
    other = early_signals.open_tap()
    assert other is not None
    other.close()
    early_signals.hear(tap)

    assert told == ["came"]


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


def test_a_daemon_that_closed_all_it_inherited_writes_into_nothing_of_its_own(
    tap: socket.socket,
) -> None:
    descriptor = signal.set_wakeup_fd(-1)
    with Path(os.devnull).open("wb") as strange:
        os.dup2(strange.fileno(), descriptor)
        early_signals.listen(NUMBER, lambda: None)
        now = signal.set_wakeup_fd(-1)
    os.close(descriptor)

    assert now not in (-1, descriptor)
