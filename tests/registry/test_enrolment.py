"""Enrolment: a key that ends within a day, and yields to each agent a key of its own."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.registry.events import ahead, change
from tests.registry.problems import assert_problem
from tests.registry.requests import CALLS
from tests.registry.running import RunningRegistry, eventually, registration

AGENTS = "/api/v1/agents"
KEYS = "/api/v1/keys"


@pytest.fixture
def registry(shared_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these: each has agents of its own."""
    return shared_registry


def enrolment(registry: RunningRegistry, **bound: str) -> str:
    """A new key of role enrolment."""
    said = {"environment": "production", "expires_at": ahead(hours=23), **bound}
    return registry.key("enrolment", **said)


def valid_keys(registry: RunningRegistry, agent_id: str) -> int:
    """How many keys of its own an agent has."""
    keys = registry.get(KEYS, params={"limit": 500}).json()["items"]
    return sum(key["agent_id"] == agent_id and key["revoked_at"] is None for key in keys)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"environment": "production"}, ["expires_at", "24 h"]),
        ({"expires_at": ahead(hours=1)}, ["environment"]),
        ({"environment": "production", "expires_at": ahead(hours=48)}, ["24 h"]),
    ],
)
def test_a_key_that_enrols_is_bound_and_ends_within_a_day(
    registry: RunningRegistry, said: dict[str, str], words: list[str]
) -> None:
    assert_problem(registry.post(KEYS, {"name": "new", "role": "enrolment", **said}), 422, *words)

    longest = datetime.now(UTC) + timedelta(hours=24)
    assert enrolment(registry, expires_at=longest.isoformat()).startswith("pg_enrolment_")


def test_the_key_that_an_enrolled_agent_gets_acts_on_that_agent_only(
    registry: RunningRegistry,
) -> None:
    other = registry.register("other")["id"]
    key = enrolment(registry)
    enrolled = registry.register("enrolled", key)
    agent_id, own = enrolled["id"], enrolled["key"]

    assert registry.register("plain").keys() == enrolled.keys() - {"key"}
    listed = {key["id"]: key for key in registry.get(KEYS).json()["items"]}
    (kept,) = [each for each in listed.values() if each["agent_id"] == agent_id]
    assert (kept["role"], kept["environment"]) == ("agent", "production")
    assert (kept["expires_at"], own in str(listed)) == (None, False)
    assert [each["id"] for each in registry.get(AGENTS, own).json()["items"]] == [agent_id]
    csv = registry.client.get(AGENTS, headers={**registry.bearer(own), "accept": "text/csv"}).text
    assert (agent_id in csv, other in csv) == (True, False)
    assert registry.register("enrolled", own, version="2")["version"] == "2"
    assert_problem(registry.post(AGENTS, registration("other"), own), 403, agent_id)
    assert_problem(registry.post(f"{AGENTS}/check", registration("other"), own), 403, agent_id)
    for call in CALLS:
        if "{agent_id}" in call.template and "agent" in call.roles:
            assert call.send(registry, agent_id, own).status_code < 300, call
            assert_problem(call.send(registry, other, own), 403, agent_id, other)
    beats = [{"agent_id": each, "state": "working"} for each in (agent_id, other, agent_id)]
    answer = registry.post("/api/v1/heartbeats", {"heartbeats": beats}, own)
    assert [result["code"] for result in answer.json()["results"]] == [200, 403, 200]
    alone = registry.post("/api/v1/heartbeats", {"heartbeats": beats[1:2]}, own)
    assert_problem(alone, 403, other, "heartbeats.0")
    goodbye = registry.post(f"{AGENTS}/{agent_id}/heartbeat", {"goodbye": True}, own)
    assert goodbye.json() == {"status": "OFFLINE"}


def test_a_lost_answer_is_harmless_and_leaves_no_heap_of_keys(registry: RunningRegistry) -> None:
    key = enrolment(registry)
    answers = [registry.post(AGENTS, registration("again"), key) for _ in range(4)]
    agent_id = answers[0].json()["id"]
    first, second, third, fourth = (answer.json()["key"] for answer in answers)

    assert [answer.status_code for answer in answers] == [201, 200, 200, 200]
    assert {answer.json()["id"] for answer in answers} == {agent_id}
    assert valid_keys(registry, agent_id) == 2
    eventually(
        lambda: {registry.get(AGENTS, each).status_code for each in (first, second)} == {401}, 1
    )
    for own in (third, fourth):
        assert registry.get(f"{AGENTS}/{agent_id}", own).status_code == 200


def test_enrolment_stays_within_its_bound(registry: RunningRegistry) -> None:
    key = enrolment(registry, team="finance")
    taken = registry.register("of-sales", team="sales")

    elsewhere = registration("bound", environment="staging", team="finance")
    assert_problem(registry.post(AGENTS, elsewhere, key), 403, "staging")
    assert_problem(registry.post(AGENTS, registration("bound", team="sales"), key), 403, "sales")
    stolen = registry.post(AGENTS, registration("of-sales", team="finance"), key)
    assert_problem(stolen, 403, "another team")
    assert valid_keys(registry, taken["id"]) == 0

    own = registry.register("bound", key, team="finance")["key"]
    moved = registry.post(AGENTS, registration("bound", team="sales"), own)
    assert_problem(moved, 403, "finance", "sales")


def test_an_agents_own_key_outlives_the_enrolment_and_ends_when_an_operator_retires_it(
    registry: RunningRegistry,
) -> None:
    key = enrolment(registry)
    gone, away = (registry.register(name, key) for name in ("gone", "away"))
    registry.execute(
        "UPDATE api_keys SET created_at = created_at - interval '2 d',"
        " expires_at = expires_at - interval '2 d' WHERE role = 'enrolment'"
    )
    eventually(lambda: registry.get(f"{AGENTS}/check", key).status_code == 401)

    # Away for days it is retired by itself, and comes back by itself.
    registry.execute(f"UPDATE agents SET retired_at = now() WHERE id = '{away['id']}'")
    assert registry.register("away", away["key"])["retired_at"] is None
    assert valid_keys(registry, away["id"]) == 1

    change(registry, "DELETE", gone["id"])
    eventually(lambda: registry.get(AGENTS, gone["key"]).status_code == 401, 1)
    change(registry, "POST", f"{gone['id']}/restore")
    assert registry.post(AGENTS, registration("gone"), gone["key"]).status_code == 401


def test_the_record_of_an_enrolment_tells_which_key_enrolled_whom(
    registry: RunningRegistry,
) -> None:
    name = str(uuid.uuid4())
    key = enrolment(registry, name=name)
    agent_id = registry.register("recorded", key)["id"]

    def records() -> list[dict[str, Any]]:
        found = registry.get("/api/v1/audit", params={"object_id": agent_id}).json()["items"]
        return list(found)

    (record,) = records()
    assert (record["role"], record["key_name"], record["status"]) == ("enrolment", name, 201)
    assert record["route"] == AGENTS
