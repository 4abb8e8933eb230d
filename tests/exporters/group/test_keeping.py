"""The thread that hands in a process's numbers: what it says of a turn that fails."""

import threading

import pytest

from pulseguard.group.keeper import Keeper
from pulseguard.guard import Guard, OncePerMinute


def test_a_turn_that_an_end_has_cut_short_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    begun, closed, failures = threading.Event(), threading.Event(), list[str]()

    def turn() -> None:
        begun.set()
        closed.wait(10)
        raise FileNotFoundError("the folder is closed")

    keeper = Keeper(turn, Guard(failures.append, OncePerMinute()), first_after=0)
    keeper.start()
    begun.wait(10)
    keeper.stop(0)
    closed.set()
    keeper.stop(10)

    assert failures == []
    assert caplog.messages == []


def test_any_other_turn_that_fails_is_told(caplog: pytest.LogCaptureFixture) -> None:
    failed = threading.Event()

    def turn() -> None:
        raise FileNotFoundError("the folder is gone")

    keeper = Keeper(turn, Guard(lambda _: failed.set(), OncePerMinute()), first_after=0)
    keeper.start()
    assert failed.wait(10)
    keeper.stop(10)

    assert caplog.messages == [
        "pulseguard could not keep the group: FileNotFoundError: the folder is gone"
    ]
