"""A sync that is killed at any step leaves a folder that Prometheus starts with."""

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.prometheus.publication.conftest import Side
from tests.prometheus.publication.rules_registry import constant, group_text

LONG = bool(os.environ.get("PULSEGUARD_TEST_LONG"))
ROUNDS = 50 if LONG else 3
REPOSITORY = Path(__file__).parents[3]
NEVER = -1
REFUSED = group_text("changed", 'alert: X|expr: up|annotations: {a: "{{ nope"}')


def run_round(side: Side, kill_at: int) -> subprocess.CompletedProcess[str]:
    """One round of a sync, killed before this step."""
    script = Path(__file__).with_name("crashing_sync.py")
    command = [sys.executable, script, kill_at, side.registry.url, side.folder, side.promtool]
    return subprocess.run(
        [str(part) for part in [*command, side.prometheus.url]],
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def steps(side: Side) -> list[str]:
    """What a whole round does."""
    ended = run_round(side, NEVER)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


def restart_prometheus(side: Side) -> None:
    """As after a crash; fails where it does not start."""
    side.prometheus.kill()
    side.prometheus.start()


def change(side: Side, number: int) -> None:
    """A version with a group that is changed, one added, one removed, and one that got bad."""
    side.registry.put("changed", constant("changed", number))
    side.registry.put(f"added_{number}", constant(f"added_{number}"))
    side.registry.put("bad", constant("bad", number).replace("vector(", "sum(("))
    side.registry.remove(f"added_{number - 1}")


def test_prometheus_starts_after_a_kill_at_any_step(side):
    for name in ("kept", "changed", "bad", "added_0"):
        side.registry.put(name, constant(name))
    with side.sync() as sync:
        sync.run_once()
    change(side, 1)
    count = len(steps(side))
    assert count > 25
    # In the long run every step, else some of them.
    order = random.Random(7).sample(range(count), count)
    for number, step in enumerate((order * ROUNDS)[:ROUNDS], start=2):
        change(side, number)
        assert run_round(side, step).returncode == -signal.SIGKILL, step
        restart_prometheus(side)

        loaded = side.prometheus.rule_groups().keys()
        assert (
            {"kept", "changed", "bad"}
            <= loaded
            <= {"kept", "changed", "bad"}
            | {
                f"added_{number - 1}",
                f"added_{number}",
            }
        )
        assert side.value("bad") == "vector(1)"
        assert side.value("changed") in (f"vector({number - 1})", f"vector({number})")
        is_whole(side, number)


def is_whole(side: Side, number: int) -> None:
    """The next sync brings all to the last version, and leaves nothing else behind."""
    with side.sync() as sync:
        sync.run_once()
    names = ("kept", "changed", "bad", f"added_{number}")
    assert [side.registry.loaded(name) for name in names] == [1, number + 1, 1, 1]
    assert side.registry.told("bad")["rejected"] == number + 1
    assert side.registry.reports[-1]["trouble"] == ""
    assert side.files() == {side.file(name).name for name in names}
    assert {path.name for path in side.folder.rglob("*")} - side.files() == {
        ".lock",
        ".new",
        ".published",
    }


def test_what_prometheus_would_refuse_is_put_back_by_the_next_sync(side):
    side.registry.put("changed", constant("changed"))
    with side.sync() as sync:
        sync.run_once()
    side.promtool = Path(shutil.which("true") or "")
    side.registry.put("changed", REFUSED)
    done = steps(side)
    renamed = next(
        n
        for n, step in enumerate(done)
        if f".new/{side.file('changed').name}" in step and "rename" in step
    )
    reload = done.index("ask POST /-/reload", renamed)
    assert run_round(side, reload).returncode == -signal.SIGKILL
    assert b"nope" in side.file("changed").read_bytes()
    # Without a registry too, and where that is killed as well.
    side.registry.stop()
    for step in (2, 3, 4, 5) if LONG else (4,):
        assert run_round(side, step).returncode == -signal.SIGKILL
    with side.sync():
        pass

    restart_prometheus(side)
    assert side.value("changed") == "vector(1)"


def test_what_prometheus_never_took_while_it_was_away_is_put_back_whole(side):
    side.registry.put("changed", constant("changed"))
    with side.sync() as sync:
        sync.run_once()
    side.promtool = Path(shutil.which("true") or "")
    side.prometheus.stop()
    with side.sync() as sync:
        for name in ("one", "two"):
            side.registry.put("changed", REFUSED.replace("nope", name))
            sync.run_once()
            assert name.encode() in side.file("changed").read_bytes()
    with side.sync():
        pass

    side.prometheus.start()
    assert side.value("changed") == "vector(1)"
