"""The files of numbers: what one process has counted is never in the sum twice, and never lost."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pulseguard.catalog import AGENT_METRICS, TASKS
from pulseguard.group.folder import Folder
from pulseguard.group.members import Member
from pulseguard.group.numbers import Numbers
from pulseguard.group.summing import Sum
from tests.exporters.group.test_summing import Process, value


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with Folder(tmp_path / "groups" / "one") as folder:
        yield folder


def numbers(folder: Folder) -> Numbers:
    return Numbers(folder, Sum(AGENT_METRICS, "lean", 1000))


def hand_in(folder: Folder, tasks: int) -> Member:
    member = Member(folder)
    numbers(folder).write(member.name, Process(at=1.0).task(tasks).part(), AGENT_METRICS)
    return member


def tasks(folder: Folder) -> float | None:
    files = numbers(folder).read(None)
    return value(
        Sum(AGENT_METRICS, "lean", 1000).living(file.part for file in files), TASKS, "completed"
    )


def test_living_and_ended_are_in_the_sum_before_and_after_the_ended_are_added_up(
    folder: Folder,
) -> None:
    living, ended = hand_in(folder, 3), hand_in(folder, 5)
    ended.let_go()

    before = tasks(folder)
    numbers(folder).fold()

    assert before == tasks(folder) == 8
    assert ended.name not in folder.names()
    assert living.name in folder.names()
    living.let_go()


class Killed(BaseException):
    """As the end of the process: nothing afterwards is done."""


@pytest.mark.parametrize("survived", range(6))
def test_a_leader_killed_anywhere_in_between_leaves_nothing_to_count_twice(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, survived: int
) -> None:
    for count in (1, 2, 4):
        hand_in(folder, count).let_go()
    steps = 0

    def until_killed(real: Callable[..., None]) -> Callable[..., None]:
        def step(*arguments: object, **named: object) -> None:
            nonlocal steps
            steps += 1
            if steps > survived:
                raise Killed
            real(*arguments, **named)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", until_killed(os.rename))
        patch.setattr(os, "unlink", until_killed(os.unlink))
        with pytest.raises(Killed):
            numbers(folder).fold()

    killed = tasks(folder)
    numbers(folder).fold()
    numbers(folder).fold()

    assert killed == tasks(folder) == 7
    assert [name for name in folder.names() if name[0] != "."] == ["ended"]


def test_a_file_that_cannot_be_read_is_what_it_was_before(folder: Folder) -> None:
    member = hand_in(folder, 3)
    reader = numbers(folder)
    reader.read(None)
    folder.write(f"{member.name}.numbers", b"not what anybody has written")

    (found,) = reader.read(None)

    assert value(found.part, TASKS, "completed") == 3
    member.let_go()


def test_a_member_is_never_seen_dead_while_it_lives(folder: Folder) -> None:
    for _ in range(50):
        member = Member(folder)
        reader = numbers(folder)
        reader.read(None)

        assert member.name in reader.living
        member.leave(folder)
