"""Leader and members, step by step: what is written when, and who speaks for whom."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pulseguard.catalog import AGENT_METRICS, TASKS
from pulseguard.group.group import Group
from pulseguard.group.numbers import Numbers
from pulseguard.group.summing import Sum
from pulseguard.guard import Guard, OncePerMinute
from pulseguard.recording.whole import Part, Whole
from tests.exporters.group.test_summing import Process, value


class Side:
    """One process's side of the group."""

    def __init__(self, path: Path) -> None:
        self.process = Process(at=1.0)
        recorder = self.process.recorder
        guard = Guard(recorder.exporter_failed, OncePerMinute(), strict=True)
        self.group = Group(path, Whole(recorder), 1000, guard)

    def shown(self) -> float | None:
        return value(self.group.gather(), TASKS, "completed")


@pytest.fixture
def join(tmp_path: Path) -> Iterator[Callable[[], Side]]:
    joined: list[Side] = []

    def join() -> Side:
        side = Side(tmp_path / "groups" / "one")
        joined.append(side)
        side.group.begin()
        return side

    yield join
    for side in joined:
        side.group.let_go()


Join = Callable[[], Side]


def nothing() -> bytes:
    return b""


def never() -> bool:
    return False


def files(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "groups" / "one").iterdir())


def written(side: Side) -> float | None:
    """What whoever takes over would show."""
    found: list[Part] = [
        file.part
        for file in Numbers(side.group._folder, Sum(AGENT_METRICS, "lean", 1000)).read(None)
    ]
    return value(Sum(AGENT_METRICS, "lean", 1000).living(found), TASKS, "completed")


def test_the_first_leads_and_alone_it_writes_nothing(join: Join, tmp_path: Path) -> None:
    first = join()
    first.process.task(3)
    first.group.turn()

    assert first.group.leading
    assert first.shown() == 3
    assert files(tmp_path) == []


def test_what_is_shown_was_written_down_before(join: Join) -> None:
    first, second = join(), join()
    second.group.turn()

    for count in (3, 4):
        first.process.task(count)
        assert first.shown() == written(first)

    assert first.shown() == 7


def test_nothing_is_written_while_nothing_changes(join: Join, tmp_path: Path) -> None:
    first, second = join(), join()
    for side in (second, first):
        side.process.task(1)
        side.group.turn()

    def versions() -> list[int]:
        folder = tmp_path / "groups" / "one"
        return sorted(path.stat().st_ino for path in folder.glob("*.numbers"))

    before = versions()
    for side in (first, second):
        side.group.turn()
    unchanged = versions()
    second.process.task(1)
    second.group.turn()

    assert len(before) == 2
    assert unchanged == before
    assert versions() != before


def test_a_member_leads_when_the_leader_has_died_and_shows_no_less(join: Join) -> None:
    first, second = join(), join()
    first.process.task(3)
    second.process.task(4)
    second.group.turn()
    first.group.turn()
    before = first.shown()
    first.group.let_go()

    took_over = second.group.turn()

    assert took_over
    assert before == second.shown() == 7


def test_who_comes_and_goes_between_two_turns_is_not_forgotten(join: Join) -> None:
    first, second = join(), join()
    second.process.task(4)
    second.group.turn()
    speaks_last = second.group.leave()
    second.group.finish(nothing, never)

    first.group.turn()

    assert not speaks_last
    assert first.shown() == 4


def test_the_last_to_leave_speaks_for_all_whoever_led_before(join: Join, tmp_path: Path) -> None:
    first, second = join(), join()
    first.process.task(3)
    second.process.task(4)
    for side in (first, second, first):
        side.group.turn()

    first_is_last = first.group.leave()
    second_is_last = second.group.leave()
    last_shown = second.shown()
    second.group.finish(nothing, never)

    assert (first_is_last, second_is_last) == (False, True)
    assert last_shown == 7
    assert not (tmp_path / "groups" / "one").exists()


def test_a_folder_that_somebody_removes_is_made_again_and_the_leader_stays(
    join: Join, tmp_path: Path
) -> None:
    first, second = join(), join()
    for side, tasks in ((first, 3), (second, 4)):
        side.process.task(tasks)
        side.group.turn()

    shutil.rmtree(tmp_path / "groups")
    taken_over = [side.group.turn() for side in (second, first, second)]

    assert taken_over == [False, False, False]
    assert first.group.leading
    assert first.shown() == 7


def test_who_comes_as_all_others_end_goes_on_with_what_they_have_left(join: Join) -> None:
    first, second = join(), join()
    for side in (second, first):
        side.process.task(5)
        side.group.turn()
    first.group.remember(b"told")
    for side in (first, second):
        side.group.let_go()

    third = join()
    third.process.task(1)

    assert third.group.in_company
    assert third.shown() == 11
    assert third.group.remembered() == b"told"


def two_are_killed(join: Join, tmp_path: Path, at: float) -> None:
    """Two processes that have done five tasks each end at this time, and leave what they have."""
    first, second = join(), join()
    for side in (first, second):
        side.process.task(5)
        side.group.turn()
        side.group.let_go()
    os.utime(tmp_path / "groups" / "one", (at, at))


@pytest.mark.parametrize("ahead_seconds", [-3, 3], ids=["a moment ago", "the clock was set back"])
def test_what_was_left_just_now_is_taken_on(
    join: Join, tmp_path: Path, ahead_seconds: float
) -> None:
    two_are_killed(join, tmp_path, at=time.time() + ahead_seconds)

    assert join().shown() == 10


@pytest.mark.parametrize("at", [0, 4e9], ids=["long ago", "the clock was far ahead"])
def test_what_an_earlier_group_left_is_forgotten_by_the_first_that_comes(
    join: Join, tmp_path: Path, at: float
) -> None:
    two_are_killed(join, tmp_path, at)

    third = join()
    third.process.task(1)

    assert third.shown() == 1
    assert third.group.remembered() is None


def test_who_comes_in_while_the_last_one_ends_gets_its_numbers_and_its_ledger(join: Join) -> None:
    last = join()
    last.process.task(3)
    alone = last.group.leads_alone()
    late = join()
    late.process.task(4)
    late.group.turn()

    last.group.finish(lambda: b"what was told", never)

    assert alone
    assert late.group.turn()
    assert late.shown() == 7
    assert late.group.remembered() == b"what was told"
    assert value(late.group.gather_ended(), TASKS, "completed") == 3


def test_what_the_last_one_has_no_time_to_tell_is_left_to_the_next_that_comes(join: Join) -> None:
    last = join()
    last.process.task(3)
    last.group.turn()

    last.group.finish(lambda: b"what was told", lambda: True)

    following = join()
    assert following.shown() == 3
    assert following.group.remembered() == b"what was told"


def test_who_comes_in_while_all_is_cleared_away_is_seen_again(join: Join) -> None:
    first, second = join(), join()
    second.process.task(4)
    second.group.turn()
    for path in list(first.group._folder.path.iterdir()):
        path.unlink()

    for side in (second, first, second, first):
        side.process.task(1)
        side.group.turn()

    assert first.shown() == 8
