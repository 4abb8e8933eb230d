"""Events: everything that happens to an agent, each once, by whatever path it comes about."""

from __future__ import annotations

from typing import Any

import pytest

from pulseguard_registry import upkeep
from pulseguard_registry.settings import Settings
from tests.registry.events import AGENTS, change, events, heartbeat, moves, told
from tests.registry.problems import assert_problem
from tests.registry.running import RunningRegistry, eventually


@pytest.fixture
def registry(watchful_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these: each has agents of its own."""
    return watchful_registry


def test_each_thing_that_happens_is_told_once_and_in_order(registry: RunningRegistry) -> None:
    said = {"version": "1", "description": "own"}
    agent_id = registry.register("told", **said)["id"]
    heartbeat(registry, agent_id)
    registry.register("told", **said)
    change(registry, "PATCH", agent_id, {"tags": ["a"], "labels": {"b": "c"}})
    registry.register("told", version="2", description="own")
    heartbeat(registry, agent_id, goodbye=True)
    heartbeat(registry, agent_id, goodbye=True)
    registry.register("told", version="3", description="new")
    for _ in range(2):
        change(registry, "DELETE", agent_id)
    for _ in range(2):
        change(registry, "POST", f"{agent_id}/restore")

    found = [event for event in events(registry, agent_id) if event["kind"] != "status_changed"]
    said_of = [(e["kind"], e["from"], e["to"], e["detail"]) for e in found]

    assert said_of == [
        ("registered", None, "1", {}),
        ("changed", None, None, {"fields": ["tags", "labels"], "cause": "operator"}),
        ("version_changed", "1", "2", {"cause": "agent"}),
        ("stopped", None, None, {}),
        ("returned", None, "3", {}),
        ("version_changed", "2", "3", {"cause": "agent"}),
        ("changed", None, None, {"fields": ["description"], "cause": "agent"}),
        ("retired", None, None, {"cause": "operator"}),
        ("restored", None, None, {}),
    ]


def test_a_heartbeat_calls_no_function_of_the_database(registry: RunningRegistry) -> None:
    agent_id = registry.register("plain", config={"a": "b"})["id"]
    heartbeat(registry, agent_id, process="the-one")
    registry.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'called'; END $$"
    )
    triggers = "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
    defined = registry.rows(f"{triggers} AND tgrelid = 'agents'::regclass")
    try:
        for name, definition in defined:
            calls, _, _ = definition.rpartition("EXECUTE FUNCTION")
            registry.execute(f"DROP TRIGGER {name} ON agents")
            registry.execute(f"{calls} EXECUTE FUNCTION refuse()")

        for state in ("working", "failed", "idle"):
            heartbeat(registry, agent_id, state=state, process="the-one")
        goodbye = registry.post(f"{AGENTS}/{agent_id}/heartbeat", {"goodbye": True})
    finally:
        for name, definition in defined:
            registry.execute(f"DROP TRIGGER {name} ON agents")
            registry.execute(definition)
        registry.execute("DROP FUNCTION refuse()")

    assert len(defined) == 10
    assert goodbye.status_code >= 500  # so they were called, had there been anything to tell


def test_a_change_of_status_is_told_though_nobody_writes_it(registry: RunningRegistry) -> None:
    agent_id = registry.register("watched")["id"]
    heartbeat(registry, agent_id)
    eventually(lambda: moves(registry, agent_id) == [("UNKNOWN", "ONLINE", None)])

    heartbeat(registry, agent_id, state="stuck")
    eventually(lambda: moves(registry, agent_id)[1:] == [("ONLINE", "ERROR", "stuck")])
    registry.wait_until_silence_counts()
    registry.execute(
        f"UPDATE agents SET last_seen_at = now() - interval '46 s' WHERE id = '{agent_id}'"
    )
    eventually(lambda: moves(registry, agent_id)[2:] == [("ERROR", "OFFLINE", "silent")])
    heartbeat(registry, agent_id)
    eventually(lambda: moves(registry, agent_id)[3:] == [("OFFLINE", "ONLINE", None)])

    another = registry.register("watched too")["id"]
    heartbeat(registry, another)
    eventually(lambda: moves(registry, another) != [])
    assert len(moves(registry, agent_id)) == 4


def test_events_are_paged_and_filtered(registry: RunningRegistry) -> None:
    agent_id = registry.register("paged", version="0")["id"]
    for version in range(1, 8):
        registry.register("paged", version=str(version))
    middle = events(registry, agent_id)[4]

    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3, "kind": ["version_changed", "registered"]}
    while True:
        page = registry.get(f"{AGENTS}/{agent_id}/events", params=query).json()
        seen += [event["to"] for event in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]

    assert seen == ["7", "6", "5", "4", "3", "2", "1", "0"]
    since = events(registry, agent_id, since=middle["at"], kind="version_changed")
    until = events(registry, agent_id, until=middle["at"])
    assert [event["to"] for event in since] == ["4", "5", "6", "7"]
    assert [event["to"] for event in until] == ["0", "1", "2", "3"]
    unknown = registry.get(f"{AGENTS}/{agent_id}/events", params={"kind": "exploded"})
    assert_problem(unknown, 422, "kind", "exploded", "version_changed")


def test_events_are_let_go_after_their_time(registry: RunningRegistry) -> None:
    agent_id = registry.register("old")["id"]
    registry.register("old", version="2")
    registry.execute(
        "UPDATE agent_events SET at = now() - interval '90 d 1 min'"
        f" WHERE kind = 'registered' AND agent_id = '{agent_id}'"
    )

    upkeep.keep_house(registry.app.state.database, Settings())

    assert told(registry, agent_id) == ["version_changed"]
