"""An agent whose row another transaction has locked: it is told so, and holds up nobody else."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.registry.events import AGENTS, heartbeat
from tests.registry.problems import assert_problem
from tests.registry.running import RunningRegistry, eventually, snapshot

BULK = "/api/v1/heartbeats"
LOCK = "SELECT FROM agents WHERE id = %s FOR UPDATE"


@pytest.fixture
def registry(shared_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these: each has agents of its own."""
    return shared_registry


def beat_of(agent_id: str, **body: Any) -> dict[str, Any]:
    """A heartbeat among those of others, with a snapshot."""
    return {"agent_id": agent_id, "state": "working", "snapshot": snapshot(), **body}


def waiting(registry: RunningRegistry) -> int:
    """How many of PostgreSQL's processes wait for a lock."""
    where = "datname = current_database() AND wait_event_type = 'Lock'"
    [(number,)] = registry.rows(f"SELECT count(*) FROM pg_stat_activity WHERE {where}")
    return int(number)


def stored(registry: RunningRegistry, *agents: str) -> list[tuple[Any, ...]]:
    """The state of each of these agents, and how many snapshots of it there are."""
    query = (
        "SELECT state, (SELECT count(*) FROM ai_metrics WHERE agent_id = id) FROM agents"
        " WHERE id = '{}'"
    )
    return [registry.rows(query.format(agent_id))[0] for agent_id in agents]


def test_a_locked_agent_keeps_no_other_from_being_heard(registry: RunningRegistry) -> None:
    locked, *others = (registry.register(name)["id"] for name in ("locked", "one", "two", "three"))

    with psycopg.connect(registry.database_url) as other, ThreadPoolExecutor(4) as threads:
        other.execute(LOCK, [locked])
        began = time.monotonic()
        alone = threads.submit(registry.post, f"{AGENTS}/{locked}/heartbeat", {"state": "working"})
        eventually(lambda: waiting(registry))
        free = threads.submit(
            registry.post, f"{AGENTS}/{others[0]}/heartbeat", {"state": "working"}
        )
        two = threads.submit(registry.post, BULK, {"heartbeats": [beat_of(locked)] * 2})
        beats = [beat_of(others[1]), beat_of(locked), beat_of(others[2], state="asleep")]
        mixed = registry.post(BULK, {"heartbeats": [*beats, beat_of(others[2])]})

        assert free.result().status_code == 200
        assert mixed.status_code == 207
        assert [result["code"] for result in mixed.json()["results"]] == [200, 503, 422, 200]
        assert mixed.json()["results"][1]["errors"][0]["value"] == locked
        for refused in (alone.result(), two.result()):
            assert_problem(refused, 503, "not stored", "locked by another transaction", "try again")
            assert int(refused.headers["retry-after"]) > 0
        assert time.monotonic() - began < 2.5
        assert waiting(registry) == 0
        assert stored(registry, locked) == [("idle", 0)]
        assert stored(registry, *others) == [("working", 0), ("working", 1), ("working", 1)]

    heartbeat(registry, locked, state="waiting", snapshot=snapshot())
    assert stored(registry, locked) == [("waiting", 1)]


def test_what_is_refused_for_another_reason_is_not_told_to_be_locked(
    registry: RunningRegistry,
) -> None:
    locked, gone = (registry.register(name)["id"] for name in ("held", "gone"))
    heartbeat(registry, gone, goodbye=True)
    unknown = "00000000-0000-0000-0000-000000000000"

    with psycopg.connect(registry.database_url) as other:
        other.execute(LOCK, [locked])
        other.execute(LOCK, [gone])
        beats = [{"agent_id": agent_id} for agent_id in (locked, gone, unknown)]
        answer = registry.post(BULK, {"heartbeats": beats})

    assert [result["code"] for result in answer.json()["results"]] == [503, 404, 404]
