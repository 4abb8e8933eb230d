"""Agents that have gone: they count no more, and the fleet is not called after them."""

from __future__ import annotations

import re

import pytest

from pulseguard_stack.status.judgement import Level, judge_fleet
from pulseguard_stack.status.readings import Reading
from pulseguard_stack.status.settings import Endpoints
from pulseguard_stack.status.sources import Sources
from tests.stack.status.fakes import agent, fake_server, prometheus_of, registry_of
from tests.stack.status.test_picture import fleet_of, registered, shown


@pytest.mark.parametrize(
    ("status", "reason", "is_up", "cost"),
    [
        ("ONLINE", None, True, 7.0),
        # One failed scrape is no end.
        ("ONLINE", None, False, 7.0),
        ("OFFLINE", "stopped", True, None),
        ("OFFLINE", "stopped", False, None),
        ("OFFLINE", "silent", False, None),
        ("OFFLINE", "silent", True, 7.0),
        ("OFFLINE", "retired", True, 7.0),
        ("OFFLINE", "retired", False, None),
    ],
)
def test_what_has_gone_costs_nothing_any_more(
    status: str, reason: str | None, is_up: bool, cost: float | None
) -> None:
    one = registered(status=status, status_reason=reason)
    reading = Reading(one.agent_id, is_up=is_up, cost_usd_per_hour=7.0, calls_per_second=2.0)
    fleet = fleet_of([one], [reading])

    (member,) = fleet.members

    assert member.reading
    assert member.reading.cost_usd_per_hour == cost
    assert ("in all" in "\n".join(shown(fleet, 80))) is (cost is not None)


@pytest.mark.parametrize(
    ("is_up", "level", "troubles"),
    [(True, Level.DOUBTFUL, ["retired, runs on"]), (False, Level.STOPPED, [])],
)
def test_a_retired_agent_is_trouble_only_while_it_runs_on(
    is_up: bool, level: Level, troubles: list[str]
) -> None:
    one = registered(status="OFFLINE", status_reason="retired")
    (judged,) = judge_fleet(fleet_of([one], [Reading(one.agent_id, is_up=is_up)]))

    assert (judged.level, judged.troubles) == (level, troubles)


@pytest.mark.parametrize(
    ("status", "says_so"), [("ONLINE", True), ("ERROR", True), ("OFFLINE", False)]
)
def test_the_fleet_is_a_simulated_one_while_a_simulated_agent_is_there(
    status: str, says_so: bool
) -> None:
    demo = registered("demo", status, environment="demo", status_reason="stopped")

    headline = shown(fleet_of([demo, registered()]), 120)[0]

    assert ("simulated" in headline) is says_so


def test_a_retired_agent_that_prometheus_still_has_is_called_retired_and_not_unregistered() -> None:
    here, gone = agent("coder"), agent("gone", status="OFFLINE", status_reason="retired")
    with (
        fake_server(registry_of([here], [], retired=[gone])) as registry,
        fake_server(prometheus_of([here, gone])) as prometheus,
    ):
        sources = Sources(Endpoints(registry.url, "pg_viewer_x", prometheus.url))
        fleet = sources.look()
        with_a_stranger = registry.requests.count("/api/v1/agents")
        prometheus.respond = prometheus_of([here])
        sources.look()
        without = registry.requests.count("/api/v1/agents") - with_a_stranger

    (line,) = [line for line in shown(fleet, 200) if line.startswith("!  gone")]
    assert re.search(r" OFFLINE retired .* retired, runs on *$", line)
    assert {member.name: member.is_registered for member in fleet.members} == dict.fromkeys(
        ("coder", "gone"), True
    )
    # It is asked about strangers only.
    assert (with_a_stranger, without) == (2, 1)
