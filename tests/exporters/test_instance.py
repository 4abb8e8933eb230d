"""Which of several equal agents on a host an agent is."""

import fcntl
import logging
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pulseguard import Agent
from pulseguard.slots import Slot, take_slot
from tests.exporters.conftest import MakeAgent

ORDINARY_USER = 65534


def take(folder: Path, name: str = "bot") -> Slot:
    return take_slot("production", name, folder)


def test_the_lowest_free_number_is_taken(tmp_path: Path) -> None:
    slots = [take(tmp_path / "slots") for _ in range(3)]
    numbers = [slot.number for slot in slots]

    slots[1].release()
    again = take(tmp_path / "slots")

    assert numbers == [0, 1, 2]
    assert again.number == 1
    for slot in (slots[0], slots[2], again):
        slot.release()


def test_environment_and_name_keep_agents_apart(tmp_path: Path) -> None:
    slots = [
        take_slot("production", "bot", tmp_path / "slots"),
        take_slot("staging", "bot", tmp_path / "slots"),
        take_slot("production", "other", tmp_path / "slots"),
    ]

    assert [slot.number for slot in slots] == [0, 0, 0]
    for slot in slots:
        slot.release()


def test_the_folder_serves_every_user_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        slot = take(tmp_path / "slots")
    finally:
        os.umask(before)

    (lock,) = (tmp_path / "slots").iterdir()
    assert stat.S_IMODE((tmp_path / "slots").stat().st_mode) == 0o1777
    assert stat.S_IMODE(lock.stat().st_mode) == 0o1444
    slot.release()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_gets_the_next_number(tmp_path: Path) -> None:
    slot = take(tmp_path / "slots")
    taking = (
        "import os, sys; from pathlib import Path; from pulseguard.slots import take_slot;"
        f"os.setgid({ORDINARY_USER}); os.setuid({ORDINARY_USER});"
        "print(take_slot('production', 'bot', Path(sys.argv[1])).number)"
    )
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == os.geteuid() and parent != Path("/") and "pytest" in str(parent):
            parent.chmod(parent.stat().st_mode | 0o011)

    number = subprocess.run(
        [sys.executable, "-c", taking, str(tmp_path / "slots")],
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    assert number == "1\n"
    slot.release()


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    slot = take(tmp_path / "slots")
    (lock,) = (tmp_path / "slots").iterdir()
    slot.release()
    lock.unlink()
    victim = tmp_path / "victim"
    lock.symlink_to(victim)

    slot = take(tmp_path / "slots")

    assert slot.number == 1
    assert not victim.exists()
    slot.release()


def test_a_removed_lock_file_gives_no_number_to_two(tmp_path: Path) -> None:
    first = take(tmp_path / "slots")
    (lock,) = (tmp_path / "slots").iterdir()
    lock.unlink()

    second, third = take(tmp_path / "slots"), take(tmp_path / "slots")

    assert second.number != third.number
    for slot in (first, second, third):
        slot.release()


def test_a_lock_file_removed_while_it_is_locked_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked: list[int] = []

    def remove_then_lock(descriptor: int, operation: int) -> None:
        if not locked:
            next((tmp_path / "slots").iterdir()).unlink()
        locked.append(descriptor)
        flock(descriptor, operation)

    flock = fcntl.flock
    monkeypatch.setattr("fcntl.flock", remove_then_lock)

    slot = take(tmp_path / "slots")

    assert slot.number == 1
    slot.release()


def test_an_instance_is_host_and_slot(
    make_agent: MakeAgent,
) -> None:
    agents = [make_agent(), make_agent(), make_agent("other-bot")]

    for agent in agents:
        agent.start()

    host = socket.gethostname()
    assert [agent.instance for agent in agents] == [f"{host}-0", f"{host}-1", f"{host}-0"]


@pytest.mark.parametrize(
    ("argument", "variable", "instance"),
    [("blue", None, "blue"), (None, "green", "green"), ("blue", "green", "blue")],
)
def test_an_instance_that_is_given_is_kept(
    make_agent: MakeAgent,
    monkeypatch: pytest.MonkeyPatch,
    argument: str | None,
    variable: str | None,
    instance: str,
) -> None:
    if variable:
        monkeypatch.setenv("PULSEGUARD_INSTANCE", variable)
    agent: Agent = make_agent(instance=argument)

    agent.start()

    assert agent.instance == instance


def test_where_no_lock_is_possible_it_is_slot_0_and_one_line(
    make_agent: MakeAgent,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "slots").write_text("in the way")
    agent = make_agent()

    with caplog.at_level(logging.WARNING):
        agent.start()

    assert agent.instance == f"{socket.gethostname()}-0"
    assert len([each for each in caplog.records if "slot" in each.getMessage()]) == 1
