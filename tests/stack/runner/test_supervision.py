"""A component is kept running whatever happens to it, and what it says is not lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

from rich.console import Console

from pulseguard.watchdog import HUNG
from pulseguard_stack.runner.component import Component, has_logged
from pulseguard_stack.runner.logs import LARGEST_BYTES, last_words
from pulseguard_stack.runner.progress import Progress
from pulseguard_stack.runner.run_file import RunningComponent
from pulseguard_stack.runner.supervision import Supervision
from tests.prometheus_server import eventually
from tests.stack.runner.stand_ins import put_script


class Watched:
    """A component that is a script, its supervision, and what the runner says of it."""

    def __init__(self, folder: Path) -> None:
        self.program, self.log = folder / "program", folder / "it.log"
        self.runner_log = folder / "runner.log"
        self.components: Sequence[RunningComponent] = []
        self.supervision = Supervision(
            folder,
            Progress(Console(file=StringIO()), self.runner_log),
            stopping=lambda: False,
            changed=lambda components: setattr(self, "components", components),
        )

    def start(self, script: str, once: Sequence[str] = ()) -> None:
        put_script(self.program, script)
        ready = has_logged(self.log, b"up")
        component = Component("it", [str(self.program)], self.log, ready, once=once)
        self.supervision.start([component])

    def has_said(self, words: str) -> bool:
        """Looks after it once, then whether the runner has said so."""
        self.supervision.watch()
        return words in self.runner_log.read_text()


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    one = Watched(folder)
    try:
        yield one
    finally:
        one.supervision.stop()


def test_a_program_that_is_away_when_it_is_to_be_restarted_is_tried_until_it_is_back(tmp_path):
    with watched(tmp_path) as one:
        one.start("echo up; exec sleep 60")
        before = one.components[0].process.pid
        one.program.rename(tmp_path / "aside")
        os.kill(before, signal.SIGKILL)
        eventually(lambda: one.has_said("cannot be started again"), timeout_seconds=10)
        assert "No such file" in one.runner_log.read_text()

        (tmp_path / "aside").rename(one.program)
        eventually(
            lambda: one.has_said("") and one.runner_log.read_text().count("ready after") == 2,
            timeout_seconds=10,
        )

        assert one.components[0].process.pid != before


def test_one_that_its_watchdog_has_ended_is_started_again_like_any_that_died(tmp_path):
    hangs = tmp_path / "hangs"
    with watched(tmp_path) as one:
        one.start(f"echo up; until [ -e {hangs} ]; do sleep 0.05; done; rm {hangs}; exit {HUNG}")
        before = one.components[0].process.pid
        hangs.touch()
        eventually(lambda: one.has_said(f"died (status {HUNG}) and starts again"))
        eventually(
            lambda: one.has_said("") and one.runner_log.read_text().count("ready after") == 2
        )

        assert one.components[0].process.pid != before


def test_what_is_asked_of_the_first_start_is_not_asked_again_when_it_is_restarted(tmp_path):
    with watched(tmp_path) as one:
        one.start('echo "up, asked for: $*"; exec sleep 60', once=["--new-admin-key"])
        os.kill(one.components[0].process.pid, signal.SIGKILL)
        one.has_said("died")
        eventually(lambda: one.has_said("ready after") and one.log.read_text().count("up") == 2)

    assert one.log.read_text() == "up, asked for: --new-admin-key\nup, asked for: \n"


def test_who_watches_ends_before_those_who_are_watched(tmp_path):
    ends = tmp_path / "ends"
    with watched(tmp_path) as one:
        stages = [(("registry", False), ("prometheus", True)), (("agent", False),)]
        for stage in stages:
            components = []
            for name, watches in stage:
                program, log = tmp_path / name, tmp_path / f"{name}.log"
                said = f"echo {name} >> {ends}; exit"
                put_script(program, f"trap '{said}' TERM; echo up; while :; do sleep 0.05; done")
                ready = has_logged(log, b"up")
                components.append(Component(name, [str(program)], log, ready, watches=watches))
            one.supervision.start(components)

    assert ends.read_text().split() == ["prometheus", "agent", "registry"]


def test_a_long_log_is_put_aside_when_its_component_starts(tmp_path):
    with watched(tmp_path) as one:
        one.log.touch()
        os.truncate(one.log, LARGEST_BYTES + 1)
        (tmp_path / "it.log.1").write_text("of the time before")

        one.start("echo up; exec sleep 60")

        assert one.log.read_text() == "up\n"
        assert (tmp_path / "it.log.1").stat().st_size == LARGEST_BYTES + 1


def test_a_log_that_is_not_long_is_written_on(tmp_path):
    with watched(tmp_path) as one:
        one.log.write_text("earlier\n")

        one.start("echo up; exec sleep 60")

        assert one.log.read_text() == "earlier\nup\n"


def test_a_long_log_of_the_runner_is_put_aside_when_a_run_begins(tmp_path):
    log = tmp_path / "runner.log"
    log.touch()
    os.truncate(log, LARGEST_BYTES + 1)
    progress = Progress(Console(file=StringIO()), log)

    progress.begin_log()
    progress.say("anew")

    assert log.read_text().endswith("anew\n")
    assert log.stat().st_size < 200
    assert (tmp_path / "runner.log.1").stat().st_size == LARGEST_BYTES + 1


def test_a_disk_that_fills_up_later_does_not_end_what_runs(tmp_path):
    (tmp_path / "runner.log").symlink_to("/dev/full")
    screen = StringIO()

    Progress(Console(file=screen), tmp_path / "runner.log").say("said anyway")

    assert screen.getvalue() == "said anyway\n"


def test_what_a_slow_start_says_is_shown_while_it_is_waited_for(tmp_path):
    screen = StringIO()
    progress = Progress(Console(file=screen, force_terminal=True, width=200), tmp_path / "log")

    progress.starting(["registry"], "database [/red] on 10.0.0.1: no answer")
    progress.quiet()

    assert "starting registry … database [/red] on 10.0.0.1: no answer" in screen.getvalue()


def test_an_error_that_keeps_it_waiting_is_told_once_where_no_spinner_turns_as_well(tmp_path):
    screen = StringIO()
    progress = Progress(Console(file=screen), tmp_path / "runner.log")

    for saying in ("", "INFO listening", *2 * ["ERROR cannot use database 'x'"]):
        progress.starting(["registry", "sync"], saying)

    (line,) = screen.getvalue().splitlines()
    assert line.split(maxsplit=1) == ["registry", "is not ready yet: ERROR cannot use database 'x'"]
    assert "is not ready yet: ERROR cannot use database" in (tmp_path / "runner.log").read_text()


def test_last_words_are_one_line_without_what_steers_a_terminal(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"before\nfirst\n\x1b[2Jlast \xff words\n\n")

    assert last_words(log, len(b"before\n")).endswith("last \N{REPLACEMENT CHARACTER} words")
    assert "\x1b" not in last_words(log, 0)
    assert last_words(log, log.stat().st_size) == ""
    assert last_words(tmp_path / "none", 0) == ""
