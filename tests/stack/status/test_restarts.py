"""What has died on this machine is in the view; what else stands in the runner's log is not."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from pulseguard_stack.runner.progress import Progress
from pulseguard_stack.status.document import document
from pulseguard_stack.status.fleet import Alert, Fleet, Heard, Source, join
from pulseguard_stack.status.restarts import Restart, read_restarts, restarts_in
from pulseguard_stack.status.settings import find_endpoints
from tests.stack.status.test_picture import registered, shown

NOW = datetime(2026, 11, 23, 10, 0, 30, tzinfo=UTC)
RUN = '{"registry_url": "http://127.0.0.1:8000", "prometheus_url": "http://127.0.0.1:9090"}'


def line(words: str, seconds_ago: float = 0) -> str:
    """A line of the runner's log, with the time of this machine."""
    at = (NOW - timedelta(seconds=seconds_ago)).astimezone().replace(tzinfo=None)
    return f"{at.isoformat(' ', 'seconds')} {words}\n"


def died(name: str, seconds_ago: float = 0) -> str:
    return line(f"{name} died (SIGKILL) and starts again; its log is /logs/{name}.log", seconds_ago)


def ready(name: str, seconds_ago: float = 0) -> str:
    return line(f"{name} ready after 1.2 s", seconds_ago)


def fleet_of(restarts: Sequence[Restart] | None, agents: int = 3, alerts: int = 0) -> Fleet:
    """Agents that were registered and are not scraped: each one is in trouble."""
    source = Source("registry", "http://127.0.0.1:8000", None, NOW)
    inventory = [registered(f"agent-{number}") for number in range(agents)]
    firing = [Alert("AgentDown", "critical", None, "a", NOW, "")] * alerts
    return join(Heard(source, source, inventory, firing, {}, None, restarts), NOW)


def told(fleet: Fleet, width: int = 80, height: int | None = None) -> list[str]:
    """The lines about restarts."""
    lines = shown(fleet, width, height)
    starts = [at for at, said in enumerate(lines) if said.startswith("restarts ")]
    return lines[starts[0] :] if starts else []


def test_what_the_runner_reports_is_read_back(tmp_path: Path) -> None:
    log = tmp_path / "runner.log"
    progress = Progress(Console(file=StringIO()), log)
    progress.ready("model-server", 0.4)
    progress.ended("model-server", -signal.SIGKILL, tmp_path / "model-server.log")
    progress.ended("coder", 1, tmp_path / "coder.log")
    progress.ended("sync", -42, tmp_path / "sync.log")
    now = datetime.now(UTC)

    away = {one.component: one for one in read_restarts(log, now) or ()}
    progress.ready("model-server", 1.0)
    back = {one.component: one for one in read_restarts(log, now) or ()}

    ended_with = {name: one.ended_with for name, one in away.items()}
    assert ended_with == {"model-server": "SIGKILL", "coder": "status 1", "sync": "signal 42"}
    assert {name for name, one in away.items() if one.ready_at} == set()
    assert {name for name, one in back.items() if one.ready_at} == {"model-server"}
    assert all(abs((now - one.died_at).total_seconds()) < 5 for one in back.values())


def test_the_view_tells_what_died_when_and_whether_it_is_back() -> None:
    log = died("sync", 9) + died("coder", 8) + died("coder", 6) + ready("coder", 4)

    lines = told(fleet_of(restarts_in(log, NOW)))

    def clock(seconds_ago: float) -> str:
        return (NOW - timedelta(seconds=seconds_ago)).astimezone().strftime("%H:%M:%S")

    assert [said.rstrip() for said in lines] == [
        "restarts in the last 10 min: 3",
        f"!! {clock(9)} sync died (SIGKILL), not ready yet",
        f"!  {clock(6)} coder died (SIGKILL), 2 times, ready again {clock(4)}",
    ]


def test_a_program_reads_the_same_as_the_view() -> None:
    (found,) = restarts_in(died("coder", 8) + died("coder", 6) + ready("coder", 4), NOW)

    assert document(fleet_of([found]))["restarts"] == [
        {
            "component": "coder",
            "died_at": found.died_at.isoformat(),
            "ended_with": "SIGKILL",
            "times": 2,
            "ready_at": (NOW - timedelta(seconds=4)).astimezone().isoformat(),
        }
    ]
    assert document(fleet_of([]))["restarts"] == []
    assert document(fleet_of(None))["restarts"] is None


def test_at_most_three_are_shown_those_that_are_away_first_then_the_newest() -> None:
    names = ["a", "b", "c", "d", "e"]
    log = "".join(died(name, 60 - at) for at, name in enumerate(names))
    log += "".join(ready(name) for name in names if name != "a")

    lines = told(fleet_of(restarts_in(log, NOW)))

    assert lines[0] == "restarts in the last 10 min: 5"
    assert [said.split()[2] for said in lines[1:4]] == ["a", "e", "d"]
    assert lines[4:] == ["   … and 2 more"]


@pytest.mark.parametrize(
    "log",
    [
        died("coder", 601),
        died("coder", -86_400),
        ready("coder", 3),
        died("coder", 9) + line("PulseGuard has stopped; its data are kept.", 8) + ready("coder"),
        died("coder", 9) + line("ended 7 processes that a killed run had left", 8),
    ],
)
def test_what_is_long_ago_or_of_an_earlier_run_is_not_told(log: str) -> None:
    assert restarts_in(log, NOW) == []
    assert told(fleet_of(restarts_in(log, NOW))) == []


def test_nothing_that_stands_in_the_log_breaks_the_view(tmp_path: Path) -> None:
    log = tmp_path / "runner.log"
    hostile = [
        line("\x1b[2J\x1b]0;owned\x07coder died (SIGKILL) and starts again"),
        line("coder died (\x1b[31mSIGKILL) and starts again"),
        line(f"registry says: {died('coder')}"),
        line("coder\u202e died (SIGKILL) and starts again"),
        line("c\u00f6der died (SIGKILL) and starts again"),
        line(f"{'x' * 5000} died (SIGKILL) and starts again"),
        line(f"coder died ({'x' * 5000}) and starts again"),
        "2026-13-45 99:99:99 coder died (SIGKILL) and starts again\n",
        "0001-01-01 00:00:00 coder died (SIGKILL) and starts again\n",
        "9999-12-31 23:59:59 coder died (SIGKILL) and starts again\n",
        "[bold]\r\n\n\x00\n",
    ]
    log.write_bytes(
        b"\xff\xfe\x9b2J" * 100
        + b"\n"
        + "".join(hostile).encode()
        + died("sync").rstrip("\n").encode()
        + b"\x1b[31m [bold]\xff\x9b\n"
    )

    found = read_restarts(log, NOW)
    lines = told(fleet_of(found))

    assert [one.component for one in found or ()] == ["sync"]
    assert len(lines) == 2
    assert all(said.isprintable() for said in lines)


def test_only_the_end_of_a_large_log_is_read(tmp_path: Path) -> None:
    log = tmp_path / "runner.log"
    log.touch()
    # Takes no room on the disk; read as a whole it would not fit into memory.
    os.truncate(log, 1 << 40)
    with log.open("a", encoding="utf-8") as file:
        file.write("\n" + died("coder"))

    assert [one.component for one in read_restarts(log, NOW) or ()] == ["coder"]


@pytest.mark.parametrize("make", [lambda log: None, lambda log: log.mkdir()])
def test_a_log_that_is_not_there_or_none_is_not_spoken_of(tmp_path: Path, make) -> None:
    make(tmp_path / "runner.log")

    assert read_restarts(tmp_path / "runner.log", NOW) is None
    assert told(fleet_of(None)) == []


@pytest.mark.parametrize("width", [80, 140, 200])
@pytest.mark.parametrize("alerts", [0, 2, 9])
@pytest.mark.parametrize("agents", [0, 1, 5, 40])
@pytest.mark.parametrize("height", [24, 30, 50])
def test_restarts_leave_room_for_the_fleet_and_fit_the_terminal(
    width: int, alerts: int, agents: int, height: int
) -> None:
    log = "".join(died(f"invoice-extraction-{number}") for number in range(5))
    restarts = [replace(one, times=99) for one in restarts_in(log, NOW)]
    fleet = fleet_of(restarts, agents, alerts)

    lines = shown(fleet, width, height)

    assert len(lines) <= height
    assert [said for said in lines if len(said) > width] == []
    assert any("not ready yet" in said for said in told(fleet, width, height))
    assert agents == 0 or any("ONLINE" in said for said in lines)


@pytest.mark.parametrize(
    ("registry_url", "prometheus_url", "is_here"),
    [
        (None, None, True),
        ("http://elsewhere:8000", None, False),
        (None, "http://elsewhere:9090", False),
        ("http://elsewhere:8000", "http://elsewhere:9090", False),
    ],
)
def test_the_log_is_that_of_this_machine_and_only_where_its_stack_is_looked_at(
    tmp_path: Path, registry_url: str | None, prometheus_url: str | None, is_here: bool
) -> None:
    (tmp_path / "stack").mkdir()
    (tmp_path / "stack" / "run.json").write_text(RUN)

    found = find_endpoints(registry_url, None, prometheus_url, tmp_path, {})

    assert found.runner_log == (tmp_path / "stack" / "logs" / "runner.log" if is_here else None)


def test_where_nothing_runs_no_log_is_looked_at(tmp_path: Path) -> None:
    assert find_endpoints(None, None, None, tmp_path, {}).runner_log is None
