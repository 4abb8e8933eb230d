"""Agents that have gone: they count no more, and the fleet is not called after them."""

from __future__ import annotations

import pytest

from pulseguard_stack.status.readings import Reading
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
    ("status", "says_so"), [("ONLINE", True), ("ERROR", True), ("OFFLINE", False)]
)
def test_the_fleet_is_a_simulated_one_while_a_simulated_agent_is_there(
    status: str, says_so: bool
) -> None:
    demo = registered("demo", status, environment="demo", status_reason="stopped")

    headline = shown(fleet_of([demo, registered()]), 120)[0]

    assert ("simulated" in headline) is says_so
