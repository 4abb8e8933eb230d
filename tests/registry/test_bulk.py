"""Heartbeats of many agents in one request: each answered as it would be alone."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from tests.registry.problems import assert_problem
from tests.registry.running import YESTERDAY, RunningRegistry, snapshot

BULK = "/api/v1/heartbeats"
UNKNOWN = "00000000-0000-0000-0000-000000000000"


def at(minute: int, microsecond: int = 0) -> str:
    """A moment of yesterday's tenth hour."""
    return (YESTERDAY + timedelta(minutes=minute, microseconds=microsecond)).isoformat()


def send(registry: RunningRegistry, *beats: Any, key: str | None = None) -> Any:
    """All of these in one request."""
    return registry.post(BULK, {"heartbeats": list(beats)}, key)


def commits(registry: RunningRegistry) -> tuple[float, float]:
    """How many transactions stored heartbeats, and how many heartbeats."""
    text = registry.get("/metrics").text
    values = [
        re.search(rf"pulseguard_registry_commit_batch_size_{part} (.+)", text)
        for part in ("count", "sum")
    ]
    count, total = (float(value[1]) if value else 0 for value in values)
    return count, total


def test_each_heartbeat_is_answered_as_it_would_be_alone(shared_registry: RunningRegistry) -> None:
    registry = shared_registry
    key = registry.key("agent", environment="production")
    good, other, gone, foreign = (
        registry.register(name, environment=environment)["id"]
        for name, environment in (
            ("good", "production"),
            ("other", "production"),
            ("gone", "production"),
            ("foreign", "staging"),
        )
    )
    registry.post(f"/api/v1/agents/{gone}/heartbeat", {"goodbye": True})
    bodies: list[tuple[str, dict[str, Any]]] = [
        (good, {"state": "working"}),
        (good, {"state": "asleep"}),
        (UNKNOWN, {}),
        (other, {"state": "failed", "snapshot": snapshot(at(7))}),
        (gone, {}),
        (foreign, {"state": "idle"}),
        (other, {"state": "idle", "snapshot": snapshot(tokens_processed=-1)}),
        (other, {"state": "idle", "snapshot": snapshot("2200-01-01T00:00:00Z")}),
        (good, {"colour": "blue"}),
        ("7", {}),
        (good, {"goodbye": "yes"}),
        (good, {"state": "stuck"}),
    ]

    answer = send(registry, *({"agent_id": agent, **body} for agent, body in bodies), 7, key=key)
    *results, last = answer.json()["results"]
    alone = [
        registry.post(f"/api/v1/agents/{agent}/heartbeat", body, key) for agent, body in bodies
    ]

    assert answer.status_code == 207
    assert [result["code"] for result in results] == [one.status_code for one in alone]
    assert [result.get("status") for result in results] == [
        one.json()["status"] if one.status_code == 200 else None for one in alone
    ]
    for index, result in enumerate([*results, last]):
        if result["code"] != 200:
            assert f"heartbeats.{index}" in result["detail"]
            assert all(one["field"].startswith(f"heartbeats.{index}") for one in result["errors"])
    assert results[1]["errors"][0]["field"] == "heartbeats.1.state"
    assert results[1]["errors"][0]["value"] == "asleep"
    assert last["code"] == 422
    kept = f"SELECT count(*) FROM ai_metrics WHERE agent_id = '{other}'"
    assert registry.rows(kept) == [(1,)]


def test_of_several_of_one_agent_the_last_state_counts_and_every_snapshot_is_kept(
    shared_registry: RunningRegistry,
) -> None:
    registry = shared_registry
    agents = [registry.register(f"bulk-{number}")["id"] for number in range(5)]
    states = ["working", "idle", "stuck", "failed", "waiting"]
    beats = [
        {
            "agent_id": agents[number % 5],
            "state": states[(number + number // 5) % 5],
            # Each is there twice, the second time a repetition.
            "snapshot": snapshot(at(0, number // 10 * 10 + number % 5)),
        }
        for number in range(500)
    ]
    before = commits(registry)

    answer = send(registry, *beats)

    after = commits(registry)
    assert answer.status_code == 200
    assert len(answer.json()["results"]) == 500
    assert (after[0] - before[0], after[1] - before[1]) == (1, 500)
    ids = ", ".join(f"'{agent}'" for agent in agents)
    last = {beat["agent_id"]: beat["state"] for beat in beats}
    assert registry.rows(f"SELECT id::text, state FROM agents WHERE id IN ({ids}) ORDER BY id") == (
        sorted(last.items())
    )
    assert registry.rows(f"SELECT count(*) FROM ai_metrics WHERE agent_id IN ({ids})") == [(250,)]


def test_where_all_are_refused_alike_the_answer_is_that_problem(
    shared_registry: RunningRegistry,
) -> None:
    registry = shared_registry
    foreign = registry.register("foreign", environment="staging")["id"]
    key = registry.key("agent", environment="production")

    unknown = send(registry, *[{"agent_id": UNKNOWN}] * 3)
    outside = send(registry, {"agent_id": foreign}, key=key)
    wrong = send(registry, {"agent_id": foreign, "state": "asleep"}, {"agent_id": "7"})
    none, too_many = send(registry), send(registry, *[{"agent_id": foreign}] * 501)

    assert_problem(unknown, 404, "register", "heartbeats.2.agent_id", "and 2 more")
    assert_problem(outside, 403, "staging", "heartbeats.0.agent_id")
    assert_problem(wrong, 422, "heartbeats.0.state", "asleep", "heartbeats.1.agent_id")
    assert_problem(none, 422, "heartbeats", "at least 1")
    assert_problem(too_many, 422, "heartbeats", "at most 500")
