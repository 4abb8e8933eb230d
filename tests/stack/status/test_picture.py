"""Readings, joining, judging and the table: what is made of the answers, without any server."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from pulseguard_stack.status.fleet import Alert, Fleet, Heard, Registered, Source, join
from pulseguard_stack.status.judgement import Level, judge, judge_fleet
from pulseguard_stack.status.readings import Reading, Sample, Series, read_answers
from pulseguard_stack.status.view import draw

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
NAN = float("nan")


def registered(name: str = "coder", status: str = "ONLINE", **fields: Any) -> Registered:
    """An agent of the registry."""
    values: dict[str, Any] = {
        "agent_id": f"id-of-{name}",
        "name": name,
        "instance": "vm-0",
        "environment": "production",
        "team": "platform",
        "type": "LLM_AGENT",
        "version": "2.1.0",
        "status": status,
        "status_reason": None,
        "metrics_address": "127.0.0.1:9464",
        "registered_at": NOW - timedelta(hours=1),
        "last_seen_at": NOW - timedelta(seconds=3),
        **fields,
    }
    return Registered(**values)


def fleet_of(
    inventory: Sequence[Registered],
    readings: Sequence[Reading] | None = None,
    alerts: Sequence[Alert] = (),
    **told: Any,
) -> Fleet:
    """The fleet that both sources speak of; without readings every agent is scraped, idle."""
    read = (
        [Reading(one.agent_id, is_up=True) for one in inventory] if readings is None else readings
    )
    source = Source("registry", "http://127.0.0.1:8000", None, NOW)
    heard = Heard(source, source, inventory, alerts, {one.agent_id: one for one in read}, **told)
    return join(heard, NOW)


def level_of(fleet: Fleet) -> Level:
    (member,) = fleet.members
    return judge(member).level


def shown(fleet: Fleet, width: int, height: int | None = None) -> list[str]:
    """The lines of the view, as a terminal without colour shows them."""
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        console.print(draw(fleet, width, height))
    return capture.get().splitlines()


def of(agent_id: str, value: float, **labels: str) -> Sample:
    return Sample({"agent_id": agent_id, **labels}, value)


def test_what_was_not_answered_or_is_no_number_stays_unknown() -> None:
    (reading,) = read_answers({"up": [of("a", 1)], "p95": [of("a", NAN)]}, [], 0).values()

    assert reading.is_up
    assert reading.p95_seconds is None
    assert reading.cost_usd_per_hour is None
    assert reading.success_ratio is None


def test_success_is_of_the_tasks_that_ended_and_were_not_cancelled() -> None:
    tasks = [
        of("a", 3, outcome="completed"),
        of("a", 0.5, outcome="failed"),
        of("a", 0.5, outcome="timeout"),
        of("a", 9, outcome="cancelled"),
        *(of("idle", 0, outcome=outcome) for outcome in ("completed", "failed")),
    ]
    found = read_answers({"up": [of("a", 1), of("idle", 1)], "tasks": tasks}, [], 0)

    assert found["a"].success_ratio == 0.75
    assert found["idle"].success_ratio is None


def test_the_context_is_that_of_the_fullest_window() -> None:
    tokens = [of("a", 60_000, gen_ai_request_model="big"), of("a", 7_000, gen_ai_request_model="s")]
    windows = [of("a", 1e6, gen_ai_request_model="big"), of("a", 8_000, gen_ai_request_model="s")]

    known = read_answers({"up": [of("a", 1)], "context": tokens, "context_window": windows}, [], 0)
    without = read_answers({"up": [of("a", 1)], "context": tokens}, [], 0)

    assert (known["a"].context_tokens, known["a"].context_used_ratio) == (7_000, 0.875)
    assert (without["a"].context_tokens, without["a"].context_used_ratio) == (60_000, None)


def test_a_trend_has_a_place_for_every_step_and_none_where_nothing_was_known() -> None:
    series = Series({"agent_id": "a"}, {985.0: 1.0, 1000.0: 2.0, 400.0: 9.0})

    trend = read_answers({"up": [of("a", 1)]}, [series], 1000.0)["a"].trend

    assert trend[-3:] == (None, 1.0, 2.0)
    assert 9.0 not in trend


@pytest.mark.parametrize(
    ("status", "reason", "level"),
    [
        ("ONLINE", None, Level.GOOD),
        ("ERROR", "stuck", Level.BAD),
        ("OFFLINE", "silent", Level.BAD),
        ("UNKNOWN", "never_heard", Level.DOUBTFUL),
    ],
)
def test_the_status_of_the_registry_is_judged(
    status: str, reason: str | None, level: Level
) -> None:
    assert level_of(fleet_of([registered(status=status, status_reason=reason)])) == level


def test_an_agent_that_said_goodbye_is_no_trouble_and_comes_last() -> None:
    stopped = registered("a", "OFFLINE", status_reason="stopped")
    healthy = registered("b")

    order = judge_fleet(fleet_of([stopped, healthy], [Reading(healthy.agent_id, is_up=True)]))

    assert [one.member.name for one in order] == ["b", "a"]
    assert [one.level for one in order] == [Level.GOOD, Level.STOPPED]
    assert order[1].troubles == []


@pytest.mark.parametrize(
    ("reading", "level"),
    [
        ({"success_ratio": 0.89}, Level.DOUBTFUL),
        ({"success_ratio": 0.2}, Level.BAD),
        ({"context_used_ratio": 0.81}, Level.DOUBTFUL),
        ({"context_used_ratio": 0.99}, Level.BAD),
        ({"is_up": False}, Level.BAD),
        ({"success_ratio": 1.0, "context_used_ratio": 0.5}, Level.GOOD),
    ],
)
def test_numbers_are_judged(reading: dict[str, Any], level: Level) -> None:
    one = registered()
    known = Reading(one.agent_id, **{"is_up": True, **reading})

    assert level_of(fleet_of([one], [known])) == level


def test_planned_work_explains_a_scrape_that_fails_or_is_missing() -> None:
    planned = registered(status="MAINTENANCE", status_reason="maintenance")

    for readings in ([Reading(planned.agent_id, is_up=False)], []):
        (judged,) = judge_fleet(fleet_of([planned], readings))
        assert (judged.level, judged.troubles) == (Level.GOOD, [])


def test_a_critical_alert_is_worse_than_a_warning() -> None:
    def alert(severity: str) -> Alert:
        return Alert("Any", severity, "id-of-coder", "coder", NOW, "")

    assert level_of(fleet_of([registered()], alerts=[alert("critical")])) == Level.BAD
    assert level_of(fleet_of([registered()], alerts=[alert("warning")])) == Level.DOUBTFUL


@pytest.mark.parametrize("width", [80, 100, 110, 130, 150, 200])
def test_every_line_fits_whatever_the_names_and_numbers(width: int) -> None:
    names = [f"agent-with-a-long-name-{number}" for number in range(8)]
    inventory = [
        registered(name, "OFFLINE", status_reason="silent", team="t" * 60) for name in names
    ]
    numbers = {
        "calls_per_second": 12_345.6,
        "p95_seconds": 99.94,
        "tokens_per_second": 1e9,
        "success_ratio": 1.0,
        "cost_usd_per_hour": 0.0999,
        "context_tokens": 127_999,
        "context_used_ratio": 1.0,
        "trend": [1.0] * 21,
    }
    readings = [Reading(one.agent_id, is_up=True, **numbers) for one in inventory]  # type: ignore[arg-type]
    alerts = [Alert("A" * 60, "critical", None, "x" * 60, NOW, "y" * 200)] * 9

    lines = shown(fleet_of(inventory, readings, alerts), width)

    assert [line for line in lines if len(line) > width] == []
    agents = [line for line in lines if "OFFLINE silent" in line]
    assert len(agents) == 8
    assert all("12.3k" in line and "128k 100%" in line and " 3s" in line for line in agents)
    assert sum("calls/s" in line and "context seen" in line for line in lines) == 1
    assert sum("100s" in line or "99.9s" in line for line in lines) == 8


def test_a_low_terminal_shows_the_trouble_and_counts_the_rest() -> None:
    inventory = [registered(f"agent-{number:02}") for number in range(40)]
    inventory.append(registered("zebra", "ERROR", status_reason="failed"))

    lines = shown(fleet_of(inventory), 80, 24)

    assert len(lines) <= 24
    assert any(line.startswith("!! zebra") for line in lines)
    (rest,) = [line for line in lines if line.startswith("… and ")]
    seen = sum("ONLINE" in line or "ERROR" in line for line in lines)
    assert f"… and {41 - seen} more" in rest


def test_agents_of_one_name_are_told_apart_by_their_instance() -> None:
    two = [registered(instance="vm-0"), registered(agent_id="b", instance="vm-1")]

    text = "\n".join(shown(fleet_of([*two, registered("other")]), 200))

    assert "coder/vm-0" in text
    assert "coder/vm-1" in text
    assert "other/" not in text


def test_trouble_and_alerts_say_which_of_the_agents_of_one_name() -> None:
    two = [registered(agent_id=f"id-{at}", instance=f"vm-{at}") for at in (0, 1)]
    down = [Reading("id-0", is_up=True), Reading("id-1", is_up=False)]
    firing = [
        Alert("AgentDown", "critical", "id-1", "coder", NOW, "it is down"),
        Alert("AgentDown", "critical", None, "forgotten", NOW, "it is down"),
    ]

    lines = shown(fleet_of([*two, registered("other")], down, firing), 80)

    assert "!! coder/vm-1: scrape fails, AgentDown" in lines
    assert "!! AgentDown coder/vm-1, for 0s: it is down" in lines
    assert "!! AgentDown forgotten, for 0s: it is down" in lines
    assert not any("coder/vm-0:" in line for line in lines)


def test_agents_of_one_name_and_instance_are_told_apart_by_their_environment() -> None:
    two = [registered(agent_id=one, environment=one) for one in ("demo", "test")]

    text = "\n".join(shown(fleet_of(two), 200))

    assert "demo/coder/vm-0" in text
    assert "test/coder/vm-0" in text


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(0, Level.GOOD), (14, Level.GOOD), (15, Level.DOUBTFUL), (-3, Level.GOOD)],
)
def test_an_agent_that_has_just_registered_need_not_have_been_scraped(
    seconds: float, level: Level
) -> None:
    new = registered(registered_at=NOW - timedelta(seconds=seconds))

    fleet = fleet_of([new], [])

    assert level_of(fleet) == level
    assert ("worth a look" in shown(fleet, 120)[0]) is (level == Level.DOUBTFUL)


@pytest.mark.parametrize(
    ("registered_ago", "started_ago", "is_excused"),
    [(3600, 1, True), (3600, 24, True), (3600, 25, False), (20, 24, False), (20, 19, True)],
)
def test_a_prometheus_that_has_just_started_need_not_have_found_again_whom_it_knew(
    registered_ago: float, started_ago: float, is_excused: bool
) -> None:
    old = registered(registered_at=NOW - timedelta(seconds=registered_ago))
    since = NOW - timedelta(seconds=started_ago)
    down = [Reading(old.agent_id, is_up=False)]

    missing, failing = (level_of(fleet_of([old], read, scrapes_since=since)) for read in ([], down))

    wanted = (Level.GOOD, Level.GOOD) if is_excused else (Level.DOUBTFUL, Level.BAD)
    assert (missing, failing) == wanted


def test_a_new_agent_that_cannot_be_scraped_is_worth_a_look_at_once() -> None:
    without_address = registered(registered_at=NOW, metrics_address=None)
    unreachable = registered(registered_at=NOW)

    assert level_of(fleet_of([without_address], [])) == Level.DOUBTFUL
    down = fleet_of([unreachable], [Reading(unreachable.agent_id, is_up=False)])
    assert level_of(down) == Level.BAD


def test_a_fleet_without_agents_says_how_to_get_one() -> None:
    assert any("agent.start()" in line for line in shown(fleet_of([]), 80))
