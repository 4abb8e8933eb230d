"""Terminals of every size: what is cut, what goes, and what is said of what has gone."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from pulseguard_stack.status.fleet import (
    Alert,
    Disagreement,
    Disagreements,
    Fleet,
    Heard,
    Source,
    join,
)
from pulseguard_stack.status.judgement import judge_fleet
from pulseguard_stack.status.readings import Reading
from pulseguard_stack.status.restarts import Restart
from pulseguard_stack.status.table import columns_for, rows
from pulseguard_stack.status.titles import titles
from pulseguard_stack.status.view import draw
from tests.stack.status.test_picture import NOW, registered

ADDRESSES = (
    "registry http://127.0.0.1:8000",
    "Prometheus http://127.0.0.1:9090",
    "Alertmanager http://127.0.0.1:9093",
    "keys /home/somebody/.local/share/pulseguard/stack/keys",
)
NUMBERS: dict[str, Any] = {
    "calls_per_second": 12_345.6,
    "p95_seconds": 99.94,
    "tokens_per_second": 1e9,
    "success_ratio": 1.0,
    "cost_usd_per_hour": 0.0999,
    "context_tokens": 1_048_576,
    "context_used_ratio": 0.5,
    "trend": [1.0] * 21,
}


def fleet_of(
    agents: int = 5,
    troubled: int = 0,
    alerts: int = 0,
    restarts: int = 0,
    faults: int = 0,
    disagreements: int = 0,
    **numbers: float,
) -> Fleet:
    """A fleet with so much to tell of."""
    inventory = [registered(f"agent-{number:02}") for number in range(agents)]
    readings = [
        Reading(one.agent_id, is_up=number >= troubled, **{**NUMBERS, **numbers})
        for number, one in enumerate(inventory)
    ]
    firing = [Alert("AgentDown", "critical", None, f"a{number}", NOW, "") for number in range(9)]
    died = [Restart(f"part-{number}", NOW, "SIGKILL") for number in range(restarts)]
    sources = [
        Source(name, "http://127.0.0.1:1", "nothing listens there" if at < faults else None, NOW)
        for at, name in enumerate(("registry", "Prometheus"))
    ]
    by_id = {one.agent_id: one for one in readings}
    odd = [
        Disagreement("two_processes", f"a{number}", f"twin-{number}", "0", ("web-1:7:aa", "b:8:bb"))
        for number in range(disagreements)
    ]
    told = Disagreements(odd, {"two_processes": len(odd)})
    heard = Heard(sources[0], sources[1], inventory, firing[:alerts], by_id, None, died, told)
    return join(heard, NOW)


def shown(
    fleet: Fleet, width: int, height: int | None = None, addresses: tuple[str, ...] = ADDRESSES
) -> list[str]:
    """The lines of the view with the addresses, as a terminal without colour shows them."""
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        console.print(draw(fleet, width, height, addresses))
    return [line.rstrip() for line in capture.get().splitlines()]


FULL = {"troubled": 3, "alerts": 9, "restarts": 4, "faults": 2, "disagreements": 7}


@pytest.mark.parametrize("full", [{}, {"alerts": 2}, {"troubled": 4}, {"restarts": 5}, FULL])
@pytest.mark.parametrize("agents", [0, 1, 5, 40])
@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
def test_the_view_never_outgrows_the_terminal(
    width: int, agents: int, full: dict[str, int]
) -> None:
    fleet = fleet_of(agents, **{**full, "troubled": min(agents, full.get("troubled", 0))})

    for height in range(1, 45):
        lines = shown(fleet, width, height)

        assert 1 <= len(lines) <= height, (height, lines)
        assert [line for line in lines if len(line) > width] == []
        if len(lines) < height - 1:
            break
    # Where lines were to spare, more of them change nothing.
    assert shown(fleet, width, 44) == lines


@pytest.mark.parametrize("alerts", [1, 2, 5, 9])
@pytest.mark.parametrize("faults", [0, 2])
def test_every_alert_is_shown_or_counted_whatever_the_height(alerts: int, faults: int) -> None:
    for height in range(1, 40):
        lines = shown(fleet_of(5, 0, alerts, 0, faults), 120, height)

        named = sum(line.startswith("!! AgentDown a") for line in lines)
        more = [re.match(r"   … and (\d+) more$", line) for line in lines]
        left_out = sum(int(found[1]) for found in more if found)
        is_counted = any(f"{alerts} firing" in line for line in lines)
        assert is_counted or named + left_out == alerts, (height, lines)


def test_every_agent_is_shown_or_counted_whatever_the_height() -> None:
    for height in range(2, 40):
        lines = shown(fleet_of(12, 2), 120, height)

        named = sum("ONLINE" in line for line in lines)
        all_of_them = ": pulseguard status --wide shows all"
        rest = {f"… and {12 - named} more, none in a worse state", "… 12 agents"}
        assert named == 12 or {f"{said}{all_of_them}" for said in rest} & set(lines), lines
        assert height < 3 or any(line.startswith("!! agent-00") for line in lines)


def test_a_very_low_terminal_tells_of_what_is_wrong() -> None:
    lines = shown(fleet_of(5, 2, 2, 1, 1), 120, 7)

    assert [line.split()[:2] for line in lines] == [
        ["PulseGuard", "5"],
        ["!", "registry"],
        ["agent", "status"],
        ["!!", "agent-00"],
        ["…", "and"],
        ["!!", "AgentDown"],
        ["!!", "AgentDown"],
    ]
    assert shown(fleet_of(5, 2, 9), 120, 4)[-1].startswith("9 firing: AgentDown a0")
    assert shown(fleet_of(5, 2, 9), 120, 1)[0].startswith("PulseGuard  5 agents, 2 in trouble, 9 f")


def test_critical_alerts_are_not_crowded_out_by_newer_warnings() -> None:
    warnings = [Alert("Slow", "warning", None, f"w{number}", NOW, "") for number in range(9)]
    heard = replace(
        fleet_of().heard, alerts=[*warnings, Alert("Down", "critical", None, "x", NOW, "")]
    )

    lines = shown(join(heard, NOW), 120, 12)

    assert any(line.startswith("!! Down x") for line in lines)


def test_the_addresses_close_the_view_and_are_never_cut() -> None:
    assert shown(fleet_of(), 80)[-4:] == [
        "",
        "registry http://127.0.0.1:8000  Prometheus http://127.0.0.1:9090",
        "Alertmanager http://127.0.0.1:9093",
        "keys /home/somebody/.local/share/pulseguard/stack/keys",
    ]
    assert shown(fleet_of(), 200)[-2:] == ["", "  ".join(ADDRESSES)]
    # The last of them is longer than the line.
    assert shown(fleet_of(), 40)[-4:] == ["", *ADDRESSES[:3]]
    assert shown(fleet_of(), 80, addresses=())[-1].endswith("3s")


def test_a_large_fleet_leaves_the_addresses_their_lines_and_a_low_terminal_does_not() -> None:
    assert ADDRESSES[3] in shown(fleet_of(40), 80, 24)[-1]
    assert not any("http" in line for line in shown(fleet_of(40, 4, 3), 80, 14))


def test_no_number_is_cut_columns_go_whole() -> None:
    fleet = fleet_of(2, context_used_ratio=1.0)
    for width in range(1, 201):
        check_columns(width, fleet)


def check_columns(width: int, fleet: Fleet) -> None:
    """They fit, and each number stands there as it does on a wide terminal."""
    judged = judge_fleet(fleet)
    columns = columns_for(width, titles(fleet.members))

    (first, _) = rows(columns, judged, NOW)

    assert sum(column.width + 1 for column in columns) - 1 <= max(width, 4)
    wide = columns_for(150, titles(fleet.members))
    whole = {
        column.title: cell.text
        for column, cell in zip(wide, rows(wide, judged, NOW)[0], strict=True)
    }
    for column, cell in zip(columns, first, strict=True):
        if column.right:
            assert cell.text == whole[column.title]
            assert "…" not in cell.text
    assert {column.title for column in columns} >= ({"calls/s", "ok"} if width >= 50 else set())


@pytest.mark.parametrize(
    ("width", "whole"),
    [
        (80, {"MAINTENANCE"}),
        (100, {"MAINTENANCE"}),
        (160, {"MAINTENANCE", "a-long-name-of-an-agent-1", "a-team-of-many", "staging-europe"}),
    ],
)
def test_words_are_whole_where_there_is_room(width: int, whole: set[str]) -> None:
    text = {"team": "a-team-of-many", "environment": "staging-europe", "version": "2.1.0-beta"}
    planned = registered("planned", "MAINTENANCE", status_reason="maintenance", **text)
    inventory = [registered("a-long-name-of-an-agent-1", **text), planned]
    readings = {one.agent_id: Reading(one.agent_id, is_up=True, **NUMBERS) for one in inventory}
    source = Source("registry", None, None, NOW)

    lines = shown(join(Heard(source, source, inventory, (), readings), NOW), width)

    words = {word for line in lines for word in line.split()}
    assert whole <= words
    assert not any("…" in word for word in words) or width < 160
    assert max(map(len, lines)) <= width


def test_what_nobody_sees_in_a_terminal_is_not_cut() -> None:
    named = {"team": "t" * 120, "environment": "e" * 120, "version": "v" * 120}
    inventory = [registered("n" * 120, **named)]
    firing = [Alert("A" * 60, "critical", None, "x", NOW, "y" * 300)]
    source = Source("registry", None, None, NOW)

    lines = shown(join(Heard(source, source, inventory, firing, {}), NOW), 100_000)

    assert all(letter * 120 in "".join(lines) for letter in "nev")
    assert "t" * 120 in "".join(lines)
    assert max(map(len, lines)) < 1000


@pytest.mark.parametrize(("width", "words"), [(80, "$/h"), (40, "tok/s"), (25, "calls/s")])
def test_totals_that_have_no_room_go_whole(width: int, words: str) -> None:
    (line,) = [line for line in shown(fleet_of(), width) if line.startswith("in all")]

    assert line.endswith(words)
    assert "…" not in line


def test_a_narrow_headline_keeps_the_trouble() -> None:
    assert shown(fleet_of(5, 2), 40)[0] == "PulseGuard  5 agents, 2 in trouble"
    assert shown(fleet_of(5, 2), 30)[0] == "5 agents, 2 in trouble"
