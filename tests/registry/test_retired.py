"""Agents that an operator has retired: what they do then, and how it is known that they run on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.registry.events import change, heartbeat
from tests.registry.problems import assert_problem
from tests.registry.requests import BOUNDS
from tests.registry.running import RunningRegistry, eventually, registration, snapshot
from tests.registry.test_metrics import scrape
from tests.registry.test_scrapes import tell

AGENTS = "/api/v1/agents"
KIND = "retired_but_heard"
Ask = Callable[[RunningRegistry, dict[str, Any], str], Any]


@pytest.fixture
def registry(shared_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these: each has agents of its own."""
    return shared_registry


@pytest.fixture(scope="module")
def enrolling(shared_registry: RunningRegistry) -> str:
    """A key of role enrolment."""
    return shared_registry.key("enrolment", **BOUNDS["enrolment"])


def retire(registry: RunningRegistry, agent: dict[str, Any]) -> Any:
    """Retire an agent; returns what is told of it."""
    return change(registry, "DELETE", agent["id"]).json()


def heard(registry: RunningRegistry) -> set[str]:
    """Those of whom it is known that they run on; as many are counted."""
    shown = registry.get("/api/v1/system/disagreements").json()
    found = {item["agent_id"] for item in shown["items"] if item["kind"] == KIND}
    name = "pulseguard_registry_disagreements"
    counted = scrape(registry, "/metrics/agents")[name, frozenset({("kind", KIND)})]
    assert shown["totals"].get(KIND, 0) == counted == len(found)
    return found


def test_retiring_says_whether_the_agent_runs_on_and_what_would_bring_it_back(
    registry: RunningRegistry, enrolling: str
) -> None:
    names = ("unheard", "beats", "stopped", "scraped", "stopped-and-scraped")
    agents = {name: registry.register(name) for name in names}
    agents["enrolled"] = registry.register("enrolled", enrolling)
    for name in ("beats", "stopped", "stopped-and-scraped", "enrolled"):
        heartbeat(registry, agents[name]["id"], goodbye=name.startswith("stopped"))
    tell(registry, **{agents[name]["id"]: "up" for name in ("scraped", "stopped-and-scraped")})

    retired = {name: retire(registry, agent) for name, agent in agents.items()}

    assert {name for name, one in retired.items() if one["runs_on"]} == {
        *("beats", "scraped", "enrolled")
    }
    by = {name: one["back_by"] for name, one in retired.items()}
    assert by == {**dict.fromkeys(agents, "registering"), "enrolled": "restoring"}
    assert {one["status_reason"] for one in retired.values()} == {"retired"}
    assert retire(registry, agents["enrolled"])["back_by"] == "restoring"


def test_what_has_ended_is_not_said_to_run_on(registry: RunningRegistry) -> None:
    long_ago, came_back = (registry.register(name) for name in ("killed", "came-back"))
    for agent in (long_ago, came_back):
        heartbeat(registry, agent["id"])
    # As after a night in which the registry was away: nobody is called silent yet.
    registry.execute(
        f"UPDATE agents SET last_seen_at = now() - interval '9 h' WHERE id = '{long_ago['id']}';"
        "UPDATE watch SET silent_before = now() - interval '10 h', judged_from = now()"
    )
    assert registry.get(f"{AGENTS}/{long_ago['id']}").json()["status"] == "ONLINE"
    # Retired by mistake it asks, registers, and ends as it was told to.
    retire(registry, came_back)
    by_heartbeat(registry, came_back, "")
    registry.register("came-back")
    heartbeat(registry, came_back["id"], goodbye=True)

    retired = [retire(registry, agent) for agent in (long_ago, came_back)]

    assert [agent["runs_on"] for agent in retired] == [False, False]
    assert not {agent["id"] for agent in retired} & heard(registry)


def test_restoring_says_whether_the_agent_is_to_be_enrolled_again(
    registry: RunningRegistry, enrolling: str
) -> None:
    agents = [registry.register("came-with-a-key"), registry.register("came-without", enrolling)]
    for agent in agents:
        retire(registry, agent)

    restored = [change(registry, "POST", f"{agent['id']}/restore").json() for agent in agents]

    assert [one["to_be_enrolled"] for one in restored] == [False, True]
    assert {one["retired_at"] for one in restored} == {None}


def by_heartbeat(registry: RunningRegistry, agent: dict[str, Any], _: str) -> Any:
    """It beats, with a key that holds."""
    return registry.post(f"{AGENTS}/{agent['id']}/heartbeat", {})


def among_others(registry: RunningRegistry, agent: dict[str, Any], _: str) -> Any:
    """A relay brings its heartbeat."""
    return registry.post("/api/v1/heartbeats", {"heartbeats": [{"agent_id": agent["id"]}]})


def by_snapshot(registry: RunningRegistry, agent: dict[str, Any], _: str) -> Any:
    """It sends what it has measured."""
    return registry.post(f"{AGENTS}/{agent['id']}/ai-metrics", {"snapshots": [snapshot()]})


def beat_with_its_own(registry: RunningRegistry, agent: dict[str, Any]) -> Any:
    """A heartbeat with the key that enrolment yielded."""
    return registry.post(f"{AGENTS}/{agent['id']}/heartbeat", {}, agent["key"])


def once_known(ask: Callable[[], Any]) -> Any:
    """The answer once the end of the key is known, which takes half a second."""
    answers: list[Any] = []

    def is_known() -> bool:
        answers.append(ask())
        return bool(answers[-1].status_code == 401)

    eventually(is_known)
    return answers[-1]


def by_its_own_key(registry: RunningRegistry, agent: dict[str, Any], _: str) -> Any:
    """It beats with the key that has ended."""
    return once_known(lambda: beat_with_its_own(registry, agent))


def by_enrolling(registry: RunningRegistry, agent: dict[str, Any], enrolling: str) -> Any:
    """It enrols once more."""
    return registry.post(AGENTS, registration(agent["name"]), enrolling)


@pytest.mark.parametrize(
    ("ask", "status"),
    [
        (by_heartbeat, 404),
        (among_others, 404),
        (by_snapshot, 404),
        (by_its_own_key, 401),
        (by_enrolling, 409),
    ],
)
def test_a_retired_agent_that_asks_all_the_same_is_known_to_run_on_until_it_is_restored(
    registry: RunningRegistry, enrolling: str, ask: Ask, status: int
) -> None:
    agent = registry.register(f"runs-on-{ask.__name__}", enrolling)
    retire(registry, agent)
    assert agent["id"] not in heard(registry)

    answer = ask(registry, agent, enrolling)
    since = registry.get(f"{AGENTS}/{agent['id']}").json()["retired_at"]

    assert_problem(answer, status, "retired", f"pulseguard agents restore {agent['id']}")
    if status != 409:
        assert f"since {since[:19]}" in answer.json()["detail"]
        assert answer.json()["errors"][0]["value"] == agent["id"]
    assert answer.json()["detail"].count("agent_id") <= 1
    assert agent["id"] in heard(registry)
    health = registry.get(f"{AGENTS}/{agent['id']}/health").json()
    assert health["disagreements"] == [KIND]
    assert retire(registry, agent)["runs_on"] is True
    change(registry, "POST", f"{agent['id']}/restore")
    assert agent["id"] not in heard(registry)
    assert registry.get(f"{AGENTS}/{agent['id']}/health").json()["disagreements"] == []


def test_a_retired_agent_has_no_score_until_it_is_back(registry: RunningRegistry) -> None:
    agent_id = registry.register("scored")["id"]
    heartbeat(registry, agent_id)

    def scores() -> list[float | None]:
        listed = registry.get(AGENTS, params={"name": "scored", "include_retired": True}).json()
        shown = registry.get(f"{AGENTS}/{agent_id}").json()
        return [agent["health_score"] for agent in (*listed["items"], shown)]

    assert scores() == [1, 1]
    change(registry, "DELETE", agent_id)
    assert scores() == [None, None]
    change(registry, "POST", f"{agent_id}/restore")
    assert scores() == [1, 1]


def test_an_own_key_of_whose_end_a_registry_does_not_know_yet_brings_nobody_back(
    registry: RunningRegistry, enrolling: str
) -> None:
    agent = registry.register("quick", enrolling)
    # That its keys end with it is known in memory only half a second later.
    retired = "retired_at = now(), retired_by_operator = true"
    registry.execute(f"UPDATE agents SET {retired} WHERE id = '{agent['id']}'")
    assert by_heartbeat(registry, agent, enrolling).status_code == 404

    answer = registry.post(AGENTS, registration("quick"), agent["key"])

    assert_problem(answer, 409, "instance", f"pulseguard agents restore {agent['id']}")
    assert registry.get(f"{AGENTS}/{agent['id']}").json()["status_reason"] == "retired"
    assert agent["id"] in heard(registry)


def test_a_retired_agent_is_told_what_it_can_do_itself(
    registry: RunningRegistry, enrolling: str
) -> None:
    away, own = (registry.register(name, enrolling) for name in ("was-away", "has-its-own"))
    retire(registry, own)
    # As after the days by which what is away is retired; and before a registry knows of its key.
    by = "retired_at = now(), retired_by_operator = false"
    registry.execute(f"UPDATE agents SET {by} WHERE id = '{away['id']}'")
    registry.execute(f"UPDATE api_keys SET revoked_at = NULL WHERE agent_id = '{own['id']}'")
    eventually(lambda: beat_with_its_own(registry, own).status_code == 404)

    of_away, of_own = (beat_with_its_own(registry, agent) for agent in (away, own))
    of_own_with_another = by_heartbeat(registry, own, enrolling)

    by_itself = "registering (POST /api/v1/agents) brings it back, as the exporter does by itself"
    assert_problem(of_away, 404, "is retired for having been away since", by_itself)
    assert_problem(of_own, 404, "is retired by an operator since", "then enrol it again")
    assert_problem(of_own_with_another, 404, "is retired by an operator since", by_itself)
    assert by_itself not in of_own.text


def test_an_agent_is_not_thought_to_run_on_for_what_others_ask(
    registry: RunningRegistry, enrolling: str
) -> None:
    replaced, agent = (registry.register("quiet", enrolling) for _ in range(2))
    registry.register("quiet", enrolling)
    retire(registry, agent)
    elsewhere = registry.key("agent", environment="staging")

    of_another = registry.post(f"{AGENTS}/{agent['id']}/heartbeat", {}, elsewhere)
    of_before = registry.post(f"{AGENTS}/{agent['id']}/heartbeat", {}, replaced["key"])

    assert_problem(of_another, 404, agent["id"], "or it has ended")
    assert_problem(of_before, 401, "expired or revoked")
    assert agent["id"] not in heard(registry)


def test_who_sends_a_key_that_ended_with_its_agent_is_told_so(
    registry: RunningRegistry, enrolling: str
) -> None:
    agent = registry.register("told", enrolling)
    retire(registry, agent)

    answer = once_known(lambda: registry.get(AGENTS, agent["key"]))

    assert_problem(answer, 401, "retired", f"pulseguard agents restore {agent['id']}")
    assert [(fault["field"], fault["value"]) for fault in answer.json()["errors"]] == [
        ("agent_id", agent["id"])
    ]
    assert agent["key"] not in answer.text


def test_only_the_retired_or_only_some_are_listed_where_that_is_asked(
    registry: RunningRegistry,
) -> None:
    names = ("stays", "goes", "goes-too")
    ids = [registry.register(name, environment="halved")["id"] for name in names]
    for agent_id in ids[1:]:
        registry.delete(f"{AGENTS}/{agent_id}")

    def listed(**asked: Any) -> list[dict[str, Any]]:
        return list(registry.get(AGENTS, params=asked).json()["items"])

    retired = listed(environment="halved", only_retired="true")
    assert {agent["id"] for agent in retired} == set(ids[1:])
    assert None not in {agent["retired_at"] for agent in retired}
    assert [agent["id"] for agent in listed(id=ids[1:2], only_retired="true")] == ids[1:2]
    assert [agent["id"] for agent in listed(id=ids)] == ids[:1]
    nonsense = registry.get(AGENTS, params={"id": [ids[0], "seven"]})
    assert_problem(nonsense, 422, "id: is no UUID", "seven")
