"""Snapshots: stored once, read back as they were sent."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg

from tests.registry.problems import assert_problem
from tests.registry.requests import REGISTERED
from tests.registry.running import YESTERDAY, RunningRegistry, eventually, snapshot

EIGHT_FIELDS = {
    "model_inference_time_ms": 812.5,
    "model_accuracy": 0.93,
    "confidence_score": 0.81,
    "tokens_processed": 1234,
    "tokens_per_second": 55.5,
    "context_length": 4096,
    "api_calls_made": 17,
    "api_call_latency_ms": 702.25,
}


def test_the_eight_fields_come_back_as_they_were_sent(registry: RunningRegistry) -> None:
    agent_id = registry.register()["id"]
    sent = snapshot(
        **EIGHT_FIELDS,
        model_inference_time_p95_ms=1500.0,
        api_call_latency_p95_ms=1400.0,
        model_calls=12,
        tokens={"input": 1000, "cache_read": 30, "cache_write": 4, "output": 150, "reasoning": 50},
        model_errors={"rate_limit": 2, "_OTHER": 1},
        tasks_completed=3,
        tasks_failed=1,
        tasks_pending=9,
    )

    beat = registry.post(f"/api/v1/agents/{agent_id}/heartbeat", {"snapshot": sent})
    (read,) = registry.get(f"/api/v1/agents/{agent_id}/ai-metrics").json()["items"]

    assert beat.status_code == 200
    assert datetime.fromisoformat(read.pop("taken_at")) == datetime.fromisoformat(
        sent.pop("taken_at")
    )
    assert read.pop("received_at")
    assert read == sent


def test_what_is_unknown_is_null_and_not_zero(registry: RunningRegistry) -> None:
    agent_id = registry.register()["id"]
    registry.post(f"/api/v1/agents/{agent_id}/heartbeat", {"snapshot": snapshot()})

    (read,) = registry.get(f"/api/v1/agents/{agent_id}/ai-metrics").json()["items"]

    assert [read[field] for field in ("model_inference_time_ms", "model_accuracy")] == [None, None]
    assert read["context_length"] is None


def test_the_same_snapshot_again_is_stored_once(registry: RunningRegistry) -> None:
    agent_id = registry.register()["id"]
    path = f"/api/v1/agents/{agent_id}/ai-metrics"
    one, two = (
        snapshot((YESTERDAY + timedelta(minutes=minute)).isoformat(), model_calls=5)
        for minute in (0, 1)
    )

    first = registry.post(path, {"snapshots": [one]})
    again = registry.post(path, {"snapshots": [one, two, two]})
    registry.post(f"/api/v1/agents/{agent_id}/heartbeat", {"snapshot": two})

    assert first.json() == {"stored": 1, "repeated": 0, "refused": 0}
    assert again.json() == {"stored": 1, "repeated": 2, "refused": 0}
    assert registry.rows("SELECT count(*), sum(model_calls) FROM ai_metrics") == [(2, 10)]


def test_a_range_is_read_page_by_page_the_newest_first(registry: RunningRegistry) -> None:
    agent_id = registry.register()["id"]
    path = f"/api/v1/agents/{agent_id}/ai-metrics"
    times = [YESTERDAY + timedelta(minutes=minute) for minute in range(10)]
    registry.post(path, {"snapshots": [snapshot(time.isoformat()) for time in times]})

    bounds = {"from": times[2].isoformat(), "to": times[9].isoformat(), "limit": "4"}
    first = registry.get(path, params=bounds).json()
    second = registry.get(path, params={**bounds, "to": first["next_to"]}).json()

    read = [datetime.fromisoformat(item["taken_at"]) for item in first["items"] + second["items"]]
    assert read == list(reversed(times[2:9]))
    assert second["next_to"] is None


def test_snapshots_of_any_day_are_stored_in_the_partition_of_that_day(
    registry: RunningRegistry,
) -> None:
    agent_id = registry.register()["id"]
    today = datetime.now(UTC)
    times = [today, today - timedelta(days=1), today - timedelta(days=5)]

    for time in times:
        body = {"snapshots": [snapshot(time.isoformat())]}
        assert registry.post(f"/api/v1/agents/{agent_id}/ai-metrics", body).status_code == 200

    homes = registry.rows("SELECT tableoid::regclass::text FROM ai_metrics ORDER BY taken_at")
    assert [home for (home,) in homes] == [
        "ai_metrics_default",
        f"ai_metrics_{today - timedelta(days=1):%Y%m%d}",
        f"ai_metrics_{today:%Y%m%d}",
    ]


def test_a_heartbeat_on_its_way_while_the_partition_of_its_day_is_attached_is_stored_in_it(
    registry: RunningRegistry,
) -> None:
    heartbeat = f"/api/v1/agents/{registry.register()['id']}/heartbeat"
    day = datetime.now(UTC).date() - timedelta(days=5)
    body = {"snapshot": snapshot(f"{day}T12:00:00Z")}
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        " AND query ~ 'WITH asked'"
    )

    with ThreadPoolExecutor(1) as pool, psycopg.connect(registry.database_url) as upkeep:
        upkeep.execute("CREATE TABLE that_day (LIKE ai_metrics INCLUDING ALL)")
        upkeep.execute(
            "ALTER TABLE ai_metrics ATTACH PARTITION that_day"
            f" FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')"
        )
        answer = pool.submit(registry.post, heartbeat, body)
        eventually(lambda: registry.rows(waiting) == [(1,)])
        upkeep.commit()

    assert answer.result().status_code == 200
    assert registry.rows("SELECT tableoid::regclass::text FROM ai_metrics") == [("that_day",)]


def test_every_acknowledged_write_of_many_clients_at_once_is_stored(
    registry: RunningRegistry,
) -> None:
    agents = [registry.register(f"agent-{number}")["id"] for number in range(5)]

    def push(number: int) -> int:
        taken_at = YESTERDAY + timedelta(microseconds=number)
        body = {"snapshot": snapshot(taken_at.isoformat(), model_calls=1)}
        path = f"/api/v1/agents/{agents[number % 5]}/heartbeat"
        return int(registry.post(path, body).status_code)

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(push, range(200)))

    assert statuses == [200] * 200
    assert registry.rows("SELECT count(*), sum(model_calls) FROM ai_metrics") == [(200, 200)]


def outcomes(registry: RunningRegistry) -> dict[str, int]:
    """What became of all snapshots so far, and how many are kept outside of the days."""
    pattern = r'^pulseguard_registry_(?:snapshots_total\{outcome="(\w+)"\}|(late_snapshots)) (\S+)$'
    text = registry.get("/metrics").text + registry.get("/metrics/agents").text
    found = re.findall(pattern, text, re.MULTILINE)
    return {outcome or gauge: round(float(value)) for outcome, gauge, value in found}


def test_every_snapshot_is_counted_by_what_became_of_it(registry: RunningRegistry) -> None:
    path = f"/api/v1/agents/{registry.register()['id']}"
    now = datetime.now(UTC)
    ages = {"new": 0, "late": 3, "at the edge": 7, "too old": 8, "ahead": -1.01}
    of = {name: snapshot((now - timedelta(days=age)).isoformat()) for name, age in ages.items()}

    pushed = registry.post(
        f"{path}/ai-metrics",
        {"snapshots": [of[name] for name in ("new", "new", "late", "at the edge", "too old")]},
    )
    ahead = registry.post(f"{path}/ai-metrics", {"snapshots": [of["ahead"]]})
    beats = [
        registry.post(f"{path}/heartbeat", {"state": "stuck", "snapshot": of[name]})
        for name in ("new", "too old", "ahead")
    ]
    bulk = registry.post(
        "/api/v1/heartbeats",
        {"heartbeats": [{"agent_id": REGISTERED, "snapshot": one} for one in of.values()]},
    )

    assert (pushed.json()["stored"], pushed.json()["repeated"], pushed.json()["refused"]) == (
        3,
        1,
        1,
    )
    assert_problem(ahead, 422, "taken_at", "in the future")
    # It is alive, whatever its clock says.
    assert [beat.status_code for beat in beats] == [200, 200, 422]
    results = bulk.json()["results"]
    assert [result["code"] for result in results] == [200, 200, 200, 200, 422]
    for said in (pushed.json(), beats[1].json(), results[3]):
        assert "older than what is kept" in said["detail"]
        assert (now.date() - timedelta(days=7)).isoformat() in said["detail"]
    assert ["detail" in beats[0].json(), "detail" in results[0]] == [False, False]
    assert outcomes(registry) == {
        "stored": 1,
        "late": 2,
        "repeated": 1 + 1 + 3,
        "refused": (1 + 1) + (1 + 1) + (1 + 1),
        "late_snapshots": 2,
    }
