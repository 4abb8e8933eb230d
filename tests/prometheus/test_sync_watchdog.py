"""A sync of which a loop hangs ends by itself, and while it lives its alive file says so."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pulseguard.watchdog import HUNG
from pulseguard_prometheus.turns import LOOK_SECONDS
from tests.prometheus.fakes import FLEET, JSON, Asked, FakeServer, Reply, fake_server
from tests.prometheus.hasty_sync import PATIENCE_SECONDS, PROMTOOL_PATIENCE_SECONDS
from tests.prometheus.publication.rules_registry import RulesRegistry, constant
from tests.prometheus.sync_process import SyncProcess
from tests.prometheus_server import eventually

START = "from tests.prometheus.hasty_sync import main; main()"
HANG = """
import time
from pulseguard_prometheus.{module} import {loop}
def hang_in_the_loop(_):
    time.sleep(1000)
{loop}.run_once = hang_in_the_loop
"""
# Until somebody lets it go on.
HANG_AT_FIRST = """
import os, pathlib, time
from pulseguard_prometheus.{module} import {loop}
folder, turn = pathlib.Path(os.environ["HELD"]), {loop}.run_once
def hold(loop):
    (folder / "held").touch()
    while not (folder / "let-go").exists():
        time.sleep(0.02)
    return turn(loop)
{loop}.run_once = hold
"""
HANG_LATER = """
import time
from pulseguard_prometheus.{module} import {loop}
turn = {loop}.run_once
def hang_after_one(loop):
    {loop}.run_once = lambda _: time.sleep(1000)
    return turn(loop)
{loop}.run_once = hang_after_one
"""
DIE = """
from pulseguard_prometheus.{module} import {loop}
def fail(*_):
    raise AssertionError("never thought of")
{loop}.run = fail
"""
SLOW_DISK = """
import os, time
fsync = os.fsync
def fsync_slowly(handle):
    time.sleep(0.3)
    fsync(handle)
os.fsync = fsync_slowly
"""
LOOPS = {
    "targets": ("sync", "TargetsSync"),
    "rules": ("publication.rules_sync", "RulesSync"),
    "scrapes": ("scrapes", "ScrapesReport"),
    "alertmanager": ("notification.sync", "AlertmanagerSync"),
}
# Of the health check of a container.
IS_ALIVE = """test -n "$(find "$FILE" -newermt '-20 seconds')" """


def ill(name: str, how: str) -> str:
    """The start of a sync of which this loop hangs, or dies."""
    module, loop = LOOPS[name]
    return how.format(module=module, loop=loop) + START


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def whole(sync: SyncProcess, tmp_path: Path) -> SyncProcess:
    """A sync with all its loops, beside a Prometheus and an Alertmanager that do not answer."""
    sync.settings |= {
        "PULSEGUARD_PROMETHEUS_URL": "http://127.0.0.1:9",
        "PULSEGUARD_RULES_DIR": str(tmp_path / "user-rules"),
        "PULSEGUARD_PROMTOOL": script(tmp_path / "promtool", "exit 0"),
        "PULSEGUARD_ALERTMANAGER_CONFIG": str(tmp_path / "alertmanager.yml"),
        "PULSEGUARD_ALERTMANAGER_URL": "http://127.0.0.1:9",
        "PULSEGUARD_AMTOOL": script(tmp_path / "amtool", "exit 0"),
    }
    sync.program = ("-c", START)
    return sync


def status(sync: SyncProcess, *, seconds: float) -> int | None:
    """With which it ends within this time; None: it lives."""
    assert sync.process
    try:
        return sync.process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_that_hangs_ends_it_and_its_stack_is_told(
    whole: SyncProcess, registry: FakeServer, name: str
) -> None:
    whole.program = ("-c", ill(name, HANG))
    whole.start(registry.url)

    assert status(whole, seconds=20) == HUNG
    last = whole.said()[-1]
    assert f"the loop of {name} has not turned since 20" in last
    assert " in hang_in_the_loop" in whole.log.read_text()
    (looks,) = re.findall(r"failed looks in a row: (\d+)", last)
    assert int(looks) * LOOK_SECONDS < 30


@pytest.mark.parametrize("name", ["rules", "scrapes", "alertmanager"])
def test_a_thread_that_has_died_ends_it_at_once(
    whole: SyncProcess, registry: FakeServer, name: str
) -> None:
    whole.program = ("-c", ill(name, DIE))
    whole.start(registry.url)

    assert status(whole, seconds=20) == HUNG
    assert f"the thread of {name} has not run since 20" in whole.said()[-1]
    assert "failed looks in a row: 1)" in whole.said()[-1]
    # Another thread may have written into the same line.
    assert "AssertionError: never thought of" in whole.log.read_text()


def test_one_whose_neighbours_are_all_slow_or_away_lives(
    whole: SyncProcess, registry: FakeServer
) -> None:
    registry.reply = lambda _: Reply(200, JSON, b"[]", pause_seconds=PATIENCE_SECONDS + 0.2)
    whole.start(registry.url)

    assert status(whole, seconds=2 * PATIENCE_SECONDS) is None
    assert whole.end() == 0
    assert "watchdog" not in whole.log.read_text()


def no_targets_and(rules: RulesRegistry) -> Callable[[Asked], Reply | None]:
    def reply(asked: Asked) -> Reply | None:
        return Reply(200, JSON, b"[]") if "targets" in asked.path else rules.reply(asked)

    return reply


def test_many_rules_and_a_slow_disk_are_no_hang(whole: SyncProcess, tmp_path: Path) -> None:
    rules, folder = RulesRegistry(), tmp_path / "user-rules"
    for number in range(12):
        rules.put(f"rule-{number}", constant(f"rule-{number}"))
    whole.program = ("-c", SLOW_DISK + START)

    with fake_server(no_targets_and(rules)) as registry:
        whole.start(registry.url)
        eventually(lambda: len(list(folder.glob("*.yml"))) == 12, timeout_seconds=20)

        assert status(whole, seconds=0.1) is None


def test_rules_that_take_long_to_check_are_no_hang_and_hold_nobody_up_for_ever(
    whole: SyncProcess, tmp_path: Path
) -> None:
    runs, seconds, alive = tmp_path / "runs", PROMTOOL_PATIENCE_SECONDS / 2, tmp_path / "alive"
    # Both are bad, so each is checked by itself as well.
    script(tmp_path / "promtool", f"echo run >> {runs}; sleep {seconds}; exit 1")
    rules = RulesRegistry()
    for name in ("a", "b"):
        rules.put(name, constant(name))

    with fake_server(no_targets_and(rules)) as registry:
        whole.start(registry.url, "--alive-file", str(alive))
        eventually(runs.exists, timeout_seconds=20)
        assert not alive.exists()

        eventually(alive.exists, timeout_seconds=3 * seconds)
        assert "are not loaded" not in whole.log.read_text()
        eventually(lambda: runs.read_text().count("run") == 3, timeout_seconds=10)
        eventually(lambda: whole.log.read_text().count("are not loaded") == 2)


@pytest.mark.parametrize("name", LOOPS)
def test_it_is_alive_once_each_of_its_loops_has_turned_and_not_before(
    whole: SyncProcess, registry: FakeServer, tmp_path: Path, name: str
) -> None:
    alive, held = tmp_path / "alive", tmp_path / "held"
    # As one that was killed has left it.
    alive.touch()
    whole.program = ("-c", ill(name, HANG_AT_FIRST))
    whole.start(registry.url, "--alive-file", str(alive), HELD=str(tmp_path))
    eventually(held.exists, timeout_seconds=20)

    assert status(whole, seconds=PATIENCE_SECONDS / 2) is None
    assert not alive.exists()
    (tmp_path / "let-go").touch()
    eventually(alive.exists, timeout_seconds=4)


def test_with_all_of_its_neighbours_away_it_is_alive_and_alertmanager_has_its_file(
    whole: SyncProcess, tmp_path: Path
) -> None:
    alive = tmp_path / "alive"
    whole.start("http://127.0.0.1:9", "--alive-file", str(alive))

    eventually(alive.exists, timeout_seconds=20)

    assert (tmp_path / "alertmanager.yml").exists()
    assert whole.targets() is None
    assert is_renewed(alive)


def test_one_that_was_stopped_for_long_and_goes_on_is_not_ended_and_was_not_alive_meanwhile(
    whole: SyncProcess, registry: FakeServer, tmp_path: Path
) -> None:
    alive = tmp_path / "run" / "alive"
    whole.start(registry.url, "--alive-file", str(alive))
    eventually(lambda: whole.targets() == FLEET)
    eventually(alive.exists)
    assert is_alive(alive)

    os.kill(number(whole), signal.SIGSTOP)
    os.utime(alive, (time.time() - 30,) * 2)
    assert status(whole, seconds=PATIENCE_SECONDS + 1) is None
    assert not is_alive(alive)
    os.kill(number(whole), signal.SIGCONT)

    assert status(whole, seconds=1) is None
    assert is_alive(alive)
    assert whole.end() == 0
    assert not alive.exists()


def number(sync: SyncProcess) -> int:
    assert sync.process
    return sync.process.pid


def is_alive(file: Path) -> bool:
    """What the health check of a container finds."""
    return not subprocess.call(["sh", "-c", IS_ALIVE], env=os.environ | {"FILE": str(file)})


def is_renewed(file: Path) -> bool:
    """Whether its time is set within a second."""
    before = file.stat().st_mtime_ns
    time.sleep(1)
    return file.stat().st_mtime_ns > before


def test_with_the_watchdog_off_what_hangs_goes_on_and_its_alive_file_gets_old(
    whole: SyncProcess, registry: FakeServer, tmp_path: Path
) -> None:
    alive = tmp_path / "alive"
    whole.program = ("-c", ill("targets", HANG_LATER))
    whole.start(registry.url, PULSEGUARD_ALIVE_FILE=str(alive), PULSEGUARD_WATCHDOG="off")
    eventually(alive.exists)

    assert status(whole, seconds=2 * PATIENCE_SECONDS) is None
    assert not is_renewed(alive)


def test_an_alive_file_that_cannot_be_written_for_a_while_is_told_and_kept_again(
    whole: SyncProcess, registry: FakeServer, tmp_path: Path
) -> None:
    alive = tmp_path / "run" / "alive"
    whole.start(registry.url, "--alive-file", str(alive))
    eventually(alive.exists)
    alive.parent.rename(tmp_path / "aside")
    eventually(lambda: f"{alive} cannot be written" in whole.log.read_text())
    (tmp_path / "aside").rename(alive.parent)
    eventually(lambda: "the alive file is kept again" in whole.log.read_text())

    assert whole.log.read_text().count("the alive file gets old") == 1


@pytest.mark.parametrize(
    ("place", "words"), [("/proc/no/alive", "cannot be written"), ("/", "this is a folder")]
)
def test_an_alive_file_that_cannot_be_there_stops_the_start(
    sync: SyncProcess, place: str, words: str
) -> None:
    sync.start("http://127.0.0.1:9", "--alive-file", place)

    assert status(sync, seconds=5) == 2
    (said,) = sync.said()
    assert said.startswith(f"alive file {place}: ")
    assert words in said
