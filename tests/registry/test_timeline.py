"""An agent's timeline: events and alerts in one order, by pages."""

from __future__ import annotations

import pytest

from tests.registry.events import AGENTS, ahead, change, heartbeat
from tests.registry.notifications import HISTORY, about, before, history, tell
from tests.registry.problems import assert_problem
from tests.registry.running import RunningRegistry, eventually

_STATUSES = "SELECT was, became FROM agent_events WHERE kind = 'status_changed' AND agent_id = '{}'"


@pytest.fixture
def registry(watchful_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these: each has an agent of its own."""
    return watchful_registry


def test_a_timeline_has_alerts_status_version_and_maintenance_in_one_order(
    registry: RunningRegistry,
) -> None:
    agent_id = registry.register("watched", version="1")["id"]
    heartbeat(registry, agent_id)
    eventually(lambda: registry.rows(_STATUSES.format(agent_id)))
    registry.register("watched", version="2")
    change(registry, "PUT", f"{agent_id}/maintenance", {"until": ahead(days=1)})
    eventually(lambda: len(registry.rows(_STATUSES.format(agent_id))) == 2)
    began, ended = ahead(seconds=1), ahead(seconds=2)
    tell(registry, about(agent_id, "watched", began))
    tell(registry, about(agent_id, "watched", began, status="resolved", endsAt=ended))
    # Of this one the beginning was never told.
    tell(
        registry,
        about(agent_id, "half", ahead(seconds=3), status="resolved", endsAt=ahead(seconds=4)),
    )
    (half, *_) = history(registry, agent_id=agent_id)
    registry.post(f"{HISTORY}/{half['id']}/ack", {"note": "seen"})
    registry.execute(
        "UPDATE alert_acknowledgements SET acknowledged_at = now() + interval '5 s'"
        " WHERE fingerprint = 'half'"
    )
    path = f"{AGENTS}/{agent_id}/timeline"

    whole = registry.get(path).json()
    paged = []
    cursor: dict[str, str] = {}
    while True:
        page = registry.get(path, params={"limit": "2", **cursor}).json()
        paged += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert [each["kind"] for each in whole["items"]] == [
        "alert_acknowledged",
        "alert_ended",
        "alert_began",
        "alert_ended",
        "alert_began",
        "status_changed",
        "maintenance_began",
        "version_changed",
        "status_changed",
        "registered",
    ]
    assert paged == whole["items"]
    assert whole["items"][0]["detail"] == {"by": "first admin", "note": "seen"}
    assert whole["items"][4]["alertname"] == "AgentDown"
    assert [whole["items"][7][end] for end in ("from", "to")] == ["1", "2"]
    bounds = {"since": began, "until": ended}
    only = registry.get(path, params=bounds).json()["items"]
    assert [each["kind"] for each in only] == ["alert_began"]


def test_things_of_one_moment_are_on_one_page_each(registry: RunningRegistry) -> None:
    agent_id = registry.register("crowded")["id"]
    moment = before(minutes=1)
    tell(registry, *(about(agent_id, f"crowded{number}", moment) for number in range(7)))
    path, seen, cursor = f"{AGENTS}/{agent_id}/timeline", [], {"until": before(minutes=0.5)}
    while True:
        page = registry.get(path, params={"limit": "2", **cursor}).json()
        seen += [each["alert_id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor["cursor"] = page["next_cursor"]

    assert seen == [entry["id"] for entry in history(registry, agent_id=agent_id)]


def test_a_clock_that_is_far_ahead_does_not_end_the_timeline(registry: RunningRegistry) -> None:
    agent_id = registry.register("ahead")["id"]
    moments = ("8999-12-31T23:59:59.999999Z", "2300-01-01T00:00:00Z")
    tell(registry, *(about(agent_id, f"ahead{moment[:4]}", moment) for moment in moments))
    path, seen, cursor = f"{AGENTS}/{agent_id}/timeline", [], ""
    while True:
        params = {"limit": "1", **({"cursor": cursor} if cursor else {})}
        page = registry.get(path, params=params).json()
        seen += [each["kind"] for each in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break

    assert seen == ["alert_began", "alert_began", "registered"]


@pytest.mark.parametrize("cursor", ["", "x", "1~9~0", "1~1", f"{2**62}~1~0", "-1~1~0", "1~1~\0"])
def test_a_cursor_that_is_no_place_is_refused(registry: RunningRegistry, cursor: str) -> None:
    agent_id = registry.register("lost")["id"]

    answer = registry.get(f"{AGENTS}/{agent_id}/timeline", params={"cursor": cursor})

    assert_problem(answer, 422, "next_cursor")
