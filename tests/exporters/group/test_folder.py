"""The folder in which the processes of an agent meet: this user's alone, and whole files only."""

import os
import stat
import threading
import time
from pathlib import Path

import pytest

from pulseguard.group.folder import Folder, default_folder
from pulseguard.group.group import forget_old
from pulseguard.group.members import Member

ORDINARY_USER = 65534


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "pulseguard-1000"


def test_folder_and_files_are_the_users_alone_whatever_the_umask(base: Path) -> None:
    before = os.umask(0)
    try:
        with Folder(base / "group") as folder:
            folder.write("numbers", b"7")
    finally:
        os.umask(before)

    modes = [stat.S_IMODE(path.stat().st_mode) for path in (base, base / "group")]
    assert modes == [0o700, 0o700]
    assert stat.S_IMODE((base / "group" / "numbers").stat().st_mode) == 0o600


def test_each_user_has_one_of_his_own() -> None:
    assert default_folder().name == f"pulseguard-{os.geteuid()}"


def test_a_link_in_its_place_is_refused(base: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(0o700)
    base.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OSError, match="pulseguard-1000"):
        Folder(base / "group")

    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_folder_that_others_can_write_is_refused(base: Path) -> None:
    base.mkdir()
    base.chmod(0o777)

    with pytest.raises(PermissionError, match="0700"):
        Folder(base / "group")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_a_folder_of_another_user_is_refused(base: Path) -> None:
    base.mkdir(0o700)
    os.chown(base, ORDINARY_USER, ORDINARY_USER)

    with pytest.raises(PermissionError):
        Folder(base / "group")


def test_a_planted_link_is_neither_read_nor_written_through(base: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("mine")
    with Folder(base / "group") as folder:
        (base / "group" / "numbers").symlink_to(secret)
        (base / "group" / ".other").symlink_to(secret)

        with pytest.raises(OSError, match="symbolic"):
            folder.read("numbers")
        with pytest.raises(OSError, match="symbolic"):
            folder.write("other", b"theirs")
        folder.write("numbers", b"8")

        assert folder.read("numbers") == b"8"
    assert secret.read_text() == "mine"


def test_a_reader_never_sees_half_a_file(base: Path) -> None:
    contents = [bytes([letter]) * 100_000 for letter in b"ab"]
    seen: set[bytes | None] = set()
    with Folder(base / "group") as folder:
        folder.write("numbers", contents[0])

        def write() -> None:
            for number in range(200):
                folder.write("numbers", contents[number % 2])

        writer = threading.Thread(target=write)
        writer.start()
        while writer.is_alive():
            seen.add(folder.read("numbers"))
        writer.join()

    assert seen <= set(contents)


def test_only_one_has_the_lock_and_a_removed_folder_is_not_trusted(base: Path) -> None:
    with Folder(base / "group") as first, Folder(base / "group") as second:
        assert first.lock()
        assert not second.lock()
        first.remove_all()
        assert second.lock() is False
        first.close()

        assert second.lock()
        assert second.is_still_there()


def test_a_day_later_what_the_killed_have_left_is_cleared_away_and_the_living_stay(
    base: Path,
) -> None:
    for name in ("killed", "fresh", "led", "lived-in"):
        with Folder(base / name) as folder:
            folder.write("1.abc.numbers", b"{}")
    led, lived_in = Folder(base / "led"), Folder(base / "lived-in")
    led.lock()
    member = Member(lived_in)
    for name in ("killed", "led", "lived-in"):
        os.utime(base / name, (0, 0))

    forget_old(base, time.time())

    assert sorted(path.name for path in base.iterdir()) == ["fresh", "led", "lived-in"]
    member.let_go()
    led.close()
    lived_in.close()


def test_what_cannot_be_cleared_away_keeps_nothing_else_from_it(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("a-killed", "b-somebody-elses", "c-killed", "d-gone", "e-with-a-folder", "f-killed")
    for name in names:
        Folder(base / name).close()
        os.utime(base / name, (0, 0))
    (base / "b-somebody-elses").chmod(0o777)
    (base / "e-with-a-folder" / "more").mkdir()
    os.utime(base / "e-with-a-folder", (0, 0))
    monkeypatch.setattr(Path, "iterdir", lambda path: map(path.joinpath, names))
    (base / "d-gone").rmdir()

    forget_old(base, time.time())

    assert sorted(os.listdir(base)) == ["b-somebody-elses", "e-with-a-folder"]  # noqa: PTH208
