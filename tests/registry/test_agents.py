"""Agents: registered, listed, alive, stopped, silent, retired."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.registry.problems import assert_problem
from tests.registry.running import (
    RunningRegistry,
    eventually,
    registration,
    running_registry,
    snapshot,
)


def heartbeat(registry: RunningRegistry, agent_id: str, **body: object) -> dict[str, object]:
    """Send a heartbeat that must be taken."""
    answer = registry.post(f"/api/v1/agents/{agent_id}/heartbeat", body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def status(registry: RunningRegistry, agent_id: str) -> tuple[str, str | None]:
    """Status and reason as the API tells them."""
    agent = registry.get(f"/api/v1/agents/{agent_id}").json()
    return agent["status"], agent["status_reason"]


def test_registering_makes_an_agent_that_can_be_read(registry: RunningRegistry) -> None:
    said = registration(team="finance", version="2.1.0", tags=["eu"], labels={"region": "eu"})

    made = registry.post("/api/v1/agents", said)
    read = registry.get(f"/api/v1/agents/{made.json()['id']}").json()

    assert made.status_code == 201
    assert said.items() <= read.items()
    assert (read["status"], read["status_reason"]) == ("UNKNOWN", "never_heard")


def test_registering_again_changes_the_agent_and_keeps_its_id(registry: RunningRegistry) -> None:
    first = registry.post("/api/v1/agents", registration(version="1"))
    second = registry.post("/api/v1/agents", registration(version="2"))

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert [a["version"] for a in registry.get("/api/v1/agents").json()["items"]] == ["2"]


@pytest.mark.parametrize("part", ["name", "instance", "environment"])
def test_an_identity_is_environment_name_and_instance(registry: RunningRegistry, part: str) -> None:
    one = registry.register()
    other = registry.post("/api/v1/agents", registration(**{part: "another"})).json()

    assert one["id"] != other["id"]


def test_an_id_survives_the_loss_of_the_database(registry: RunningRegistry) -> None:
    before = registry.register()["id"]

    registry.execute("DELETE FROM agents")

    assert registry.register()["id"] == before


def test_a_heartbeat_makes_an_agent_online(registry: RunningRegistry) -> None:
    agent_id = registry.register()["id"]

    answer = heartbeat(registry, agent_id, state="working")

    assert answer == {"status": "ONLINE"}
    assert status(registry, agent_id) == ("ONLINE", None)
    assert registry.get(f"/api/v1/agents/{agent_id}").json()["state"] == "working"


@pytest.mark.parametrize("state", ["failed", "stuck"])
def test_an_agent_that_says_it_is_in_trouble_is_in_error(
    registry: RunningRegistry, state: str
) -> None:
    agent_id = registry.register()["id"]

    assert heartbeat(registry, agent_id, state=state) == {"status": "ERROR"}
    assert status(registry, agent_id) == ("ERROR", state)


def test_a_goodbye_takes_the_agent_offline_and_out_of_discovery(registry: RunningRegistry) -> None:
    agent_id = registry.register()["id"]
    eventually(lambda: len(registry.targets()) == 1)

    answer = heartbeat(registry, agent_id, goodbye=True)

    assert answer == {"status": "OFFLINE"}
    assert status(registry, agent_id) == ("OFFLINE", "stopped")
    eventually(lambda: registry.targets() == [])


def test_an_agent_that_returns_after_a_goodbye_has_its_id_and_its_target(
    registry: RunningRegistry,
) -> None:
    agent_id = registry.register()["id"]
    heartbeat(registry, agent_id, goodbye=True)
    eventually(lambda: registry.targets() == [])

    assert registry.register()["id"] == agent_id
    heartbeat(registry, agent_id)
    assert status(registry, agent_id) == ("ONLINE", None)
    eventually(lambda: len(registry.targets()) == 1)


def test_a_heartbeat_after_a_goodbye_is_asked_to_register_again(
    registry: RunningRegistry,
) -> None:
    """It may come from another process of the same identity, at another address."""
    agent_id = registry.register(metrics_address="127.0.0.1:9999")["id"]
    heartbeat(registry, agent_id, goodbye=True)

    refused = registry.post(f"/api/v1/agents/{agent_id}/heartbeat", {"state": "working"})
    repeated = registry.post(f"/api/v1/agents/{agent_id}/heartbeat", {"goodbye": True})

    assert refused.status_code == 404
    assert "register" in refused.json()["detail"]
    assert repeated.status_code == 200
    assert status(registry, agent_id) == ("OFFLINE", "stopped")


def test_a_late_snapshot_of_a_stopped_agent_is_stored(registry: RunningRegistry) -> None:
    agent_id = registry.register()["id"]
    heartbeat(registry, agent_id, goodbye=True)

    path = f"/api/v1/agents/{agent_id}/ai-metrics"

    assert registry.post(path, {"snapshots": [snapshot()]}).json()["stored"] == 1
    assert status(registry, agent_id) == ("OFFLINE", "stopped")


def test_a_key_of_one_team_cannot_take_over_an_agent_of_another(registry: RunningRegistry) -> None:
    sales = registry.register(team="sales", metrics_address="127.0.0.1:1111")
    finance = registry.key("agent", environment="production", team="finance")

    answer = registry.post("/api/v1/agents", registration(team="finance"), finance)

    assert answer.status_code == 403
    assert "another team" in answer.json()["detail"]
    assert registry.get(f"/api/v1/agents/{sales['id']}").json() == {**sales, "health_score": None}


def test_a_silent_agent_goes_offline_but_stays_in_discovery(
    database_url: str, tmp_path: Path
) -> None:
    with running_registry(database_url, tmp_path, offline_after_seconds=0.5) as registry:
        agent_id = registry.register()["id"]
        heartbeat(registry, agent_id)
        assert status(registry, agent_id) == ("ONLINE", None)

        eventually(lambda: status(registry, agent_id) == ("OFFLINE", "silent"), seconds=2)
        assert len(registry.targets()) == 1

        heartbeat(registry, agent_id)
        assert status(registry, agent_id) == ("ONLINE", None)


def test_a_retired_agent_is_out_of_lists_and_discovery_until_it_registers_again(
    registry: RunningRegistry,
) -> None:
    agent_id = registry.register()["id"]
    eventually(lambda: len(registry.targets()) == 1)

    assert registry.delete(f"/api/v1/agents/{agent_id}").status_code == 200
    assert registry.delete(f"/api/v1/agents/{agent_id}").status_code == 200
    assert registry.get("/api/v1/agents").json()["items"] == []
    assert status(registry, agent_id) == ("OFFLINE", "retired")
    assert registry.post(f"/api/v1/agents/{agent_id}/heartbeat", {}).status_code == 404
    eventually(lambda: registry.targets() == [])

    assert registry.register()["id"] == agent_id
    eventually(lambda: len(registry.targets()) == 1)


def test_pages_hold_every_agent_once(registry: RunningRegistry) -> None:
    made = {registry.register(f"agent-{number}")["id"] for number in range(7)}

    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = registry.get("/api/v1/agents", params={"limit": "3", **cursor}).json()
        seen += [agent["id"] for agent in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert len(seen) == 7
    assert set(seen) == made


def test_filters_choose_agents(registry: RunningRegistry) -> None:
    registry.register("one", team="a", type="LLM_AGENT", tags=["x"], environment="demo")
    two = registry.register("two", team="b", type="DATA_AGENT", tags=["y"])
    heartbeat(registry, two["id"])

    def names(**filters: str) -> list[str]:
        return [a["name"] for a in registry.get("/api/v1/agents", params=filters).json()["items"]]

    assert names(team="a") == names(type="LLM_AGENT") == names(environment="demo") == ["one"]
    assert names(tag="y") == names(status="ONLINE") == names(name="two") == ["two"]
    assert names(team="a", tag="y") == []


def test_a_check_says_what_registering_would_say_and_registers_nothing(
    registry: RunningRegistry,
) -> None:
    key = registry.key("agent", environment="production")

    taken = registry.post("/api/v1/agents/check", registration(), key)
    elsewhere = registration(metrics_address="10.0.0.7:9464")
    refused = registry.post("/api/v1/agents/check", elsewhere, key)
    other = registry.post("/api/v1/agents/check", registration(environment="demo"), key)

    assert (taken.status_code, taken.content) == (204, b"")
    assert refused.status_code == 422
    said = registry.post("/api/v1/agents", elsewhere, key).json()
    assert refused.json()["errors"] == said["errors"]
    assert other.status_code == 403
    assert registry.get("/api/v1/agents").json()["items"] == []


def test_a_key_of_role_agent_lists_the_agents_inside_its_bound_and_no_others(
    registry: RunningRegistry,
) -> None:
    registry.register("ours", team="finance")
    registry.register("theirs", team="research")
    registry.register("demo", environment="demo", team="finance")

    def names(key: str, **filters: str) -> list[str]:
        page = registry.get("/api/v1/agents", key, params=filters).json()
        return sorted(agent["name"] for agent in page["items"])

    whole = registry.key("agent", environment="production")
    finance = registry.key("agent", environment="production", team="finance")
    assert names(whole) == ["ours", "theirs"]
    assert names(whole, team="research") == ["theirs"]
    assert names(finance) == names(finance, environment="production") == ["ours"]
    for outside in ({"environment": "demo"}, {"team": "research"}):
        answer = registry.get("/api/v1/agents", finance, params=outside)
        assert answer.status_code == 403, outside


def test_the_deepest_config_that_is_taken_is_answered(registry: RunningRegistry) -> None:
    def registered(depth: int) -> Any:
        config: Any = 1
        for _ in range(depth):
            config = {"a": config}
        return registry.post("/api/v1/agents", registration(config=config))

    made = registered(199)

    assert_problem(registered(200), 422, "recursion limit")
    assert made.status_code == 201
    assert registry.get(f"/api/v1/agents/{made.json()['id']}").json()["config"] != {}
