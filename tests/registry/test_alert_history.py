"""The history of alerts joined with agents, filtered, acknowledged, and kept for its time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pulseguard_registry.alerts.watchdog import judge_path
from pulseguard_registry.settings import Settings
from pulseguard_registry.upkeep import drop_alerts
from tests.registry.events import ahead, heartbeat
from tests.registry.notifications import (
    HISTORY,
    NOW,
    about,
    alert,
    before,
    history,
    resolved,
    tell,
)
from tests.registry.problems import assert_problem
from tests.registry.running import RunningRegistry, eventually, snapshot


@pytest.fixture
def registry(watchful_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these: each has alerts of its own."""
    return watchful_registry


def test_an_alert_shows_its_agent_as_it_was_when_it_began_however_late_it_is_told(
    registry: RunningRegistry,
) -> None:
    agent_id = registry.register("upgraded", version="1")["id"]
    heartbeat(registry, agent_id, snapshot=snapshot(before(hours=3), tasks_completed=3))
    heartbeat(registry, agent_id, snapshot=snapshot(before(hours=1), tasks_completed=1))
    eventually(lambda: registry.rows(_STATUSES.format(agent_id)) == [("UNKNOWN", "ONLINE")])
    registry.register("upgraded", version="2")
    registry.execute(
        f"UPDATE agent_events SET at = now() - interval '2 h' WHERE agent_id = '{agent_id}'"
    )

    registry.execute(f"UPDATE ai_metrics SET received_at = taken_at WHERE agent_id = '{agent_id}'")
    tell(registry, about(agent_id, "late", before(hours=2.5)))
    tell(registry, about(agent_id, "timely", before(minutes=1)))

    timely, late = (entry["agent_then"] for entry in history(registry, agent_id=agent_id))
    assert [timely["version"], timely["status"]] == ["2", "ONLINE"]
    assert [late["version"], late["status"]] == ["1", "UNKNOWN"]
    assert [each["snapshot"]["tasks_completed"] for each in (timely, late)] == [1, 3]


_STATUSES = "SELECT was, became FROM agent_events WHERE kind = 'status_changed' AND agent_id = '{}'"


def test_what_an_alert_shows_of_its_agent_outlives_snapshots_and_events(
    registry: RunningRegistry,
) -> None:
    agent_id = registry.register("outlived", version="1")["id"]
    heartbeat(registry, agent_id, snapshot=snapshot(before(hours=1)))
    registry.execute(f"UPDATE ai_metrics SET received_at = taken_at WHERE agent_id = '{agent_id}'")
    tell(registry, about(agent_id, "outlived", before(minutes=5)))
    (told,) = history(registry, agent_id=agent_id)
    for table in ("ai_metrics", "agent_events"):
        registry.execute(f"DELETE FROM {table} WHERE agent_id = '{agent_id}'")
    registry.register("outlived", version="2")

    tell(
        registry,
        about(agent_id, "outlived", before(minutes=5), status="resolved", endsAt=NOW.isoformat()),
    )

    over, began = history(registry, agent_id=agent_id)
    assert over["agent_then"] == began["agent_then"] == told["agent_then"]
    assert told["agent_then"]["snapshot"] is not None


def test_a_clock_that_is_ahead_shows_no_snapshot_from_after_the_alert(
    registry: RunningRegistry,
) -> None:
    agent_id = registry.register("ahead")["id"]
    heartbeat(registry, agent_id, snapshot=snapshot(ahead(hours=2), tasks_completed=2))

    tell(registry, about(agent_id, "ahead-before", before(hours=1)))
    tell(registry, about(agent_id, "ahead-after", ahead(seconds=1)))

    after, earlier = (entry["agent_then"] for entry in history(registry, agent_id=agent_id))
    assert earlier["snapshot"] is None
    assert after["snapshot"]["tasks_completed"] == 2


def test_the_history_is_filtered_by_everything_that_tells_alerts_apart(
    registry: RunningRegistry,
) -> None:
    agent_id = registry.register("filtered", environment="canary", team="finance")["id"]
    named = {"agent": "filtered", "environment": "canary", "team": "finance"}
    tell(registry, about(agent_id, "by-agent", before(hours=30)))
    tell(registry, alert(fingerprint="by-label", startsAt=before(hours=10), labels=named))

    def found(**filters: str) -> list[str]:
        return [entry["fingerprint"] for entry in history(registry, **filters)]

    for name, value in (("agent_name", "filtered"), ("environment", "canary"), ("team", "finance")):
        assert found(**{name: value}) == ["by-label", "by-agent"]
        assert found(**{name: "another"}) == []
    assert found(team="finance", severity="critical") == ["by-agent"]
    assert found(team="finance", since=before(hours=20)) == ["by-label"]
    assert found(team="finance", since=before(hours=40), until=before(hours=20)) == ["by-agent"]


def test_one_entry_is_read_by_its_id_and_none_of_another(registry: RunningRegistry) -> None:
    tell(registry, alert(fingerprint="one"))
    entry = history(registry)[0]

    assert registry.get(f"{HISTORY}/{entry['id']}").json() == entry
    assert_problem(registry.get(f"{HISTORY}/999999999"), 404, "999999999")


def test_an_acknowledgement_belongs_to_both_entries_and_not_to_what_fires_anew(
    registry: RunningRegistry,
) -> None:
    tell(registry, alert(fingerprint="seen"))
    began = history(registry)[0]
    assert began["acknowledged"] is None
    answer = registry.post(f"{HISTORY}/{began['id']}/ack", {"note": "mine"})
    tell(registry, resolved(fingerprint="seen"))
    tell(registry, alert(fingerprint="seen", startsAt="2026-11-24T10:00:00Z"))

    anew, over, began = history(registry)[:3]

    seen = began["acknowledged"]
    assert answer.json()["acknowledged"] == seen == over["acknowledged"]
    assert [seen["by"], seen["note"]] == ["first admin", "mine"]
    assert anew["acknowledged"] is None
    ids = {entry["id"] for entry in history(registry, acknowledged="true")}
    assert {began["id"], over["id"]} <= ids
    assert anew["id"] in {entry["id"] for entry in history(registry, acknowledged="false")}
    assert ids.isdisjoint(entry["id"] for entry in history(registry, acknowledged="false"))


def test_the_same_again_changes_nothing_and_another_note_or_anothers_takes_its_place(
    registry: RunningRegistry,
) -> None:
    tell(registry, alert(fingerprint="noted"))
    path = f"{HISTORY}/{history(registry)[0]['id']}/ack"
    editor = registry.key("editor")
    first = registry.post(path, {"note": "mine"}).json()["acknowledged"]

    assert registry.post(path, {"note": "mine"}).json()["acknowledged"] == first
    second = registry.post(path, {"note": "mine"}, editor).json()["acknowledged"]
    assert [second["by"], second["at"] > first["at"]] == ["editor", True]
    other = registry.post(path, {"note": "no, mine"}, editor).json()["acknowledged"]
    assert [other["by"], other["note"]] == ["editor", "no, mine"]
    assert other["at"] > first["at"]
    audited = registry.get("/api/v1/audit", params={"object_type": "alerts"}).json()["items"]
    by = [record["key_name"] for record in audited[:3]]
    assert by == ["editor", "editor", "first admin"]
    for _ in range(2):
        assert registry.delete(path).status_code == 204
    assert history(registry)[0]["acknowledged"] is None


def test_the_dead_mans_switch_is_no_alert_and_says_whether_alerts_arrive(
    registry: RunningRegistry,
) -> None:
    path = f"{HISTORY}/path"
    assert registry.get(path).json()["arrives"] is None
    count = len(history(registry, limit=500))
    labels = {"alertname": "Watchdog", "severity": "none"}

    assert tell(registry, resolved(labels=labels, fingerprint="dog")) == (0, 0)
    assert registry.get(path).json()["heard_at"] is None
    # A rule of somebody's under that name is an alert like any other.
    other = alert(labels=labels | {"severity": "critical"}, fingerprint="d")
    assert tell(registry, other) == (1, 0)
    assert registry.get(path).json()["heard_at"] is None
    assert tell(registry, alert(labels=labels, fingerprint="dog")) == (0, 0)

    heard = registry.get(path).json()
    assert heard["arrives"]
    assert len(history(registry, limit=500)) == count + 1
    assert registry.get("/api/v1/system/status").json()["alerts_firing"] > 0


@pytest.mark.parametrize(
    ("ago", "running", "arrives"),
    [
        *((10, 3600, True), (179, 3600, True), (181, 3600, False), (181, 10, None)),
        # All of it was started anew, days later: it takes Prometheus more than a minute to tell.
        *((172_800, 80, None), (172_800, 121, False)),
    ],
)
def test_alerts_arrive_while_the_switch_is_heard(
    ago: float, running: float, arrives: bool | None
) -> None:
    assert judge_path(NOW - timedelta(seconds=ago), NOW, running).arrives is arrives


def test_a_test_of_the_way_is_an_entry_of_its_own_kind_and_counts_nowhere(
    registry: RunningRegistry,
) -> None:
    def firing() -> int:
        return int(registry.get("/api/v1/system/status").json()["alerts_firing"])

    count = firing()
    labels = {"alertname": "PulseGuardTest", "severity": "info", "test": "true"}
    tell(registry, alert(labels=labels, fingerprint="test"))

    assert history(registry)[0]["is_test"]
    assert firing() == count


def test_alerts_are_dropped_after_their_time_but_never_what_fires(
    registry: RunningRegistry,
) -> None:
    for name in ("old", "old-firing", "old-lately-over"):
        tell(registry, alert(fingerprint=name, labels={"alertname": "Old"}))
        entry = history(registry)[0]
        registry.post(f"{HISTORY}/{entry['id']}/ack", {"note": name})
    tell(registry, resolved(fingerprint="old", labels={"alertname": "Old"}))
    registry.execute(
        "UPDATE alerts SET received_at = now() - interval '91 days' WHERE alertname = 'Old';"
        " UPDATE alerts SET last_told_at = received_at"
        " WHERE fingerprint IN ('old', 'old-lately-over')"
    )
    tell(registry, resolved(fingerprint="old-lately-over", labels={"alertname": "Old"}))

    drop_alerts(
        registry.app.state.database, Settings(data_dir=registry.app.state.settings.data_dir)
    )

    kept = [(each["fingerprint"], each["status"]) for each in history(registry, alertname="Old")]
    assert kept == [
        ("old-lately-over", "resolved"),
        ("old-lately-over", "firing"),
        ("old-firing", "firing"),
    ]
    notes = registry.rows("SELECT note FROM alert_acknowledgements WHERE note LIKE 'old%'")
    assert {note for (note,) in notes} == {"old-firing", "old-lately-over"}
