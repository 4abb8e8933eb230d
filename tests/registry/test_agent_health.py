"""Health: why an agent is as it is, in parts; and the fleet as a whole."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pulseguard_registry.agents.health import Part, Parts, score
from pulseguard_registry.agents.score import freshness, task_success
from pulseguard_registry.system.schemas import DeployedAgent
from tests.registry.requests import BOUNDS
from tests.registry.running import RunningRegistry, snapshot

REPOSITORY = Path(__file__).parents[2]
AGENTS = "/api/v1/agents"
SYSTEM = "/api/v1/system"


@pytest.fixture
def registry(shared_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these: each has agents of its own."""
    return shared_registry


def ago(seconds: float) -> str:
    """A moment of the past."""
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


def health(registry: RunningRegistry, agent_id: str) -> dict[str, Any]:
    """The health of an agent."""
    answer = registry.get(f"{AGENTS}/{agent_id}/health")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def beat(registry: RunningRegistry, agent_id: str, *snapshots: dict[str, Any]) -> None:
    """A sign of life, with these snapshots."""
    registry.post(f"{AGENTS}/{agent_id}/heartbeat", {"state": "working"})
    if snapshots:
        body = {"snapshots": list(snapshots)}
        assert registry.post(f"{AGENTS}/{agent_id}/ai-metrics", body).status_code == 200


def test_freshness_falls_from_one_to_nothing_as_silence_becomes_offline() -> None:
    ages = [None, 0.0, 15.0, 30.0, 45.0, 1e9]

    assert [freshness(age, 45) for age in ages] == [None, 1, 1, 0.5, 0, 0]
    assert [freshness(age, 10) for age in (5.0, 16.0)] == [1, 0]


def test_the_score_is_the_smallest_of_what_is_known() -> None:
    def parts(**values: float | None) -> Parts:
        return Parts(**{name: Part(value=value, sentence="") for name, value in values.items()})

    assert score(parts(freshness=1, task_success=0.25, scraped=None)) == 0.25
    assert score(parts(freshness=0, task_success=None, scraped=1)) == 0
    assert score(parts(freshness=None, task_success=None, scraped=None)) is None
    assert (task_success(0, 0), task_success(3, 1)) == (None, 0.75)


def test_health_tells_each_part_and_what_is_not_known(registry: RunningRegistry) -> None:
    agent_id = registry.register("new")["id"]
    before = health(registry, agent_id)
    beat(
        registry,
        agent_id,
        snapshot(ago(30), tasks_completed=2, tasks_failed=1),
        snapshot(ago(90), tasks_completed=1, tasks_failed=0, model_calls=3),
        snapshot(ago(400), tasks_completed=0, tasks_failed=50),
    )
    after = health(registry, agent_id)

    assert (before["status"], before["health_score"]) == ("UNKNOWN", None)
    assert before["last_progress_at"] is None
    assert after["health_score"] == after["parts"]["task_success"]["value"] == 0.75
    assert after["parts"]["task_success"]["sentence"] == "Of 4 tasks within 5 minutes, 1 failed."
    assert after["parts"]["freshness"]["value"] == 1
    assert after["parts"]["scraped"]["value"] is None
    assert after["state"] == "working"
    assert after["last_progress_at"] == after["last_snapshot_at"]


def test_where_a_scrape_is_not_known_it_is_said_why_and_what_to_look_at_first(
    registry: RunningRegistry,
) -> None:
    ids = {name: registry.register(name)["id"] for name in ("served", "ended", "retired")}
    ids["nowhere"] = registry.register("nowhere", metrics_address=None)["id"]
    registry.post(f"{AGENTS}/{ids['ended']}/heartbeat", {"goodbye": True})
    registry.delete(f"{AGENTS}/{ids['retired']}")

    def said() -> dict[str, str]:
        parts = {name: health(registry, agent_id)["parts"] for name, agent_id in ids.items()}
        assert {part["scraped"]["value"] for part in parts.values()} == {None}
        return {name: part["scraped"]["sentence"] for name, part in parts.items()}

    unheard = said()
    registry.client.put("/api/v1/sync/a", json={"scrapes": {}}, headers=registry.bearer(None))
    told = said()
    registry.execute("DELETE FROM scrape_reports")

    assert "no Prometheus tells: look first whether `pulseguard sync` runs" in unheard["served"]
    assert "not known yet" in told["served"]
    for sentences in (unheard, told):
        assert "ended: Prometheus need not" in sentences["ended"]
        assert sentences["retired"] == sentences["ended"]
        assert "without a metrics_address" in sentences["nowhere"]
        # One sentence, which points to the rest.
        assert sentences["served"].count(".") == 2
        (page,) = re.findall(r"\((docs/\S+)#it-is-not-known-whe\S+\)\.$", sentences["served"])
        assert "\n## It is not known whether" in (REPOSITORY / page).read_text(encoding="utf-8")


def test_a_clock_that_was_ahead_hides_nothing_of_what_comes_once_it_is_right(
    registry: RunningRegistry,
) -> None:
    agent_id = registry.register("ahead")["id"]
    path = f"{AGENTS}/{agent_id}/ai-metrics"

    def latest() -> tuple[int, bool]:
        page = registry.get(path).json()
        (item,) = page["items"]
        return item["model_calls"], page["next_to"] is not None

    beat(registry, agent_id, snapshot(ago(-72_000), model_calls=1, tasks_failed=7))
    assert latest() == (1, False)
    beat(registry, agent_id, snapshot(ago(-60_000), model_calls=2, tasks_failed=7))
    assert latest() == (2, False)
    beat(registry, agent_id, snapshot(ago(0), model_calls=3, tasks_completed=1))
    assert latest() == (3, False)
    # A day later the time of those has come, between that of new ones.
    registry.execute(
        "UPDATE ai_metrics SET received_at = now() - interval '20 h', taken_at = now()"
        f" + model_calls * interval '1 s' WHERE agent_id = '{agent_id}' AND model_calls < 3"
    )
    beat(registry, agent_id, snapshot(ago(30), model_calls=4, tasks_completed=1))
    told, listed = health(registry, agent_id), registry.get(f"{AGENTS}?text=ahead").json()

    assert latest() == (3, True)
    assert told["parts"]["task_success"]["sentence"] == "Of 2 tasks within 5 minutes, 0 failed."
    assert listed["items"][0]["health_score"] == 1
    in_range = registry.get(path, params={"from": ago(3600)}).json()["items"]
    assert [item["model_calls"] for item in in_range] == [2, 1, 3, 4]


def test_health_counts_more_tasks_than_a_bigint_holds(registry: RunningRegistry) -> None:
    agent_id, most, times = registry.register("busy")["id"], 2**53, 1_025
    registry.execute(
        "INSERT INTO ai_metrics (agent_id, taken_at, interval_seconds, tokens_processed,"
        " api_calls_made, model_calls, tokens_input, tokens_cache_read, tokens_cache_write,"
        " tokens_output, tokens_reasoning, tasks_completed, tasks_failed)"
        f" SELECT '{agent_id}', now() - n * interval '1 ms', 60, 0, 0, 0, 0, 0, 0, 0, 0, {most},"
        f" {most} FROM generate_series(1, {times}) n"
    )

    told = health(registry, agent_id)["parts"]["task_success"]

    assert told["value"] == 0.5
    assert told["sentence"].startswith(f"Of {2 * times * most} tasks")


def test_health_lists_the_alerts_that_fire_about_this_agent(registry: RunningRegistry) -> None:
    ids = [registry.register(name)["id"] for name in ("alerted", "calm")]
    alert = {
        "status": "firing",
        "fingerprint": "f1",
        "labels": {"alertname": "AgentDown", "severity": "critical", "agent_id": ids[0]},
        "startsAt": ago(60),
    }
    over = {**alert, "fingerprint": "f2", "status": "resolved", "endsAt": ago(1)}
    body = {"version": "4", "alerts": [alert, over]}
    assert registry.post("/api/v1/alerts/webhook", body).status_code == 200

    alerted, calm = (health(registry, agent_id) for agent_id in ids)

    (told,) = alerted["alerts"]
    assert (told["name"], told["severity"]) == ("AgentDown", "critical")
    assert datetime.fromisoformat(told["since"]) == datetime.fromisoformat(alert["startsAt"])  # type: ignore[arg-type]
    assert calm["alerts"] == []
    assert registry.get(f"{SYSTEM}/status").json()["alerts_firing"] == 1


def test_health_says_who_is_refused_until_it_is_enrolled_again(registry: RunningRegistry) -> None:
    enrolling = registry.key("enrolment", **BOUNDS["enrolment"])
    names = ("revoked", "valid", "has-another-key", "never-enrolled")
    agents = {
        name: registry.register(name, None if name.startswith("never") else enrolling)
        for name in names
    }
    for agent in agents.values():
        beat(registry, agent["id"])
    ended = ("revoked", "has-another-key")
    for key in registry.get("/api/v1/keys", params={"own": "true"}).json()["items"]:
        if key["agent_id"] in {agents[name]["id"] for name in ended}:
            registry.delete(f"/api/v1/keys/{key['id']}")
    # As a minute later, when a heartbeat shows that what beats has a key which is not its own.
    registry.execute(
        "UPDATE api_keys SET revoked_at = revoked_at - interval '1 min'"
        f" WHERE agent_id = '{agents['has-another-key']['id']}'"
    )

    said = {name: health(registry, agent["id"])["to_be_enrolled"] for name, agent in agents.items()}

    assert said == {**dict.fromkeys(names, False), "revoked": True}
    registry.execute(f"UPDATE agents SET stopped_at = now() WHERE id = '{agents['revoked']['id']}'")
    registry.register("revoked", enrolling)
    assert health(registry, agents["revoked"]["id"])["to_be_enrolled"] is False


def test_the_fleet_is_counted_in_one_answer(registry: RunningRegistry) -> None:
    def counts() -> dict[str, Any]:
        return dict(registry.get(f"{SYSTEM}/status").json()["agents"])

    before = counts()
    beat(registry, registry.register("one", environment="counted", type="DATA_AGENT")["id"])
    registry.register("two", environment="counted", type="CUSTOM")
    gone = registry.register("gone", environment="counted")["id"]
    registry.delete(f"{AGENTS}/{gone}")
    after = counts()

    assert after["total"] - before["total"] == 2
    assert after["by_environment"]["counted"] == 2
    for by, name in (("status", "ONLINE"), ("status", "UNKNOWN"), ("type", "DATA_AGENT")):
        assert after[f"by_{by}"][name] - before[f"by_{by}"].get(name, 0) == 1
    assert before["by_status"]["MAINTENANCE"] == 0
    for by in ("by_status", "by_environment", "by_type"):
        assert sum(after[by].values()) == after["total"]
    told = registry.get(f"{SYSTEM}/status").json()
    ready = registry.get("/api/v1/health/ready").json()
    assert told["database"]["schema_revision"] == ready["schema_revision"]
    assert told["version"] == registry.get("/api/v1/health").json()["version"]
    assert 0 <= told["targets"]["age_seconds"] < 60


def test_the_map_shows_each_host_once_with_what_runs_there(registry: RunningRegistry) -> None:
    for number, host in enumerate(["b", "a", "", "a", "C", "a"]):
        environment = ("map-1", "map-2")[number % 2]
        registry.register(f"m{number}", host=host, environment=environment, team="mappers")

    registry.register("another team's", host="a", environment="map-2", team="others")
    version = '1.0 "beta" \\ é'
    odd = registry.register("odd", host='q"\\', environment="map-3", team="odd", version=version)

    found: list[dict[str, Any]] = []
    query = {"team": "mappers", "limit": "1"}
    while True:
        page = registry.get(f"{SYSTEM}/deployment-map", params=query).json()
        found += page["items"]
        # As many a client asks: of hosts the first may have no name.
        if not page["next_cursor"]:
            break
        query["cursor"] = page["next_cursor"]

    shown = {
        host["host"]: {
            environment: [agent["name"] for agent in agents]
            for environment, agents in host["environments"].items()
        }
        for host in found
    }
    assert [host["host"] for host in found] == ["", "C", "a", "b"]
    assert shown["a"] == {"map-2": ["m1", "m3", "m5"]}
    assert shown[""] == shown["b"] | {"map-1": ["m2"]}
    only = registry.get(f"{SYSTEM}/deployment-map", params={"environment": "map-1"}).json()
    assert [host["host"] for host in only["items"]] == ["", "C", "b"]
    (only,) = registry.get(f"{SYSTEM}/deployment-map", params={"team": "odd"}).json()["items"]
    (agent,) = only["environments"]["map-3"]
    assert list(agent) == list(DeployedAgent.model_fields)
    assert (only["host"], agent) == (odd["host"], {name: odd[name] for name in agent})
    none = registry.get(f"{SYSTEM}/deployment-map", params={"team": "nobody"}).json()
    assert none == {"items": [], "next_cursor": None}
