"""Enrolment: a key that ends within a day, and yields to each agent a key of its own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from tests.registry.events import ahead, change, heartbeat
from tests.registry.problems import assert_problem, everything
from tests.registry.requests import CALLS
from tests.registry.running import RunningRegistry, eventually, holds_after_a_second, registration

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


def beat(registry: RunningRegistry, agent: dict[str, Any], **body: object) -> None:
    """A heartbeat with the agent's own key, which must be taken."""
    answer = registry.post(f"{AGENTS}/{agent['id']}/heartbeat", body, agent["key"])
    assert answer.status_code == 200, answer.text


@contextmanager
def held_up(registry: RunningRegistry, change: str, name: str, key: str) -> Iterator[Future[Any]]:
    """An enrolment that has to wait for this change, which is made at the end."""
    with ThreadPoolExecutor(1) as pool, psycopg.connect(registry.database_url) as connection:
        connection.execute(change)
        answer = pool.submit(registry.post, AGENTS, registration(name), key)
        waiting = "SELECT 1 FROM pg_stat_activity WHERE pg_blocking_pids(pid) <> '{}'"
        eventually(lambda: registry.rows(f"{waiting} AND datname = current_database()"))
        yield answer
        connection.commit()


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

    registry.execute(f"UPDATE agents SET retired_at = now() WHERE id = '{away['id']}'")
    for each in (gone, away):
        change(registry, "DELETE", each["id"])
        assert valid_keys(registry, each["id"]) == 0
    holds_after_a_second(lambda: registry.get(AGENTS, gone["key"]).status_code == 401)
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


def test_no_enrolment_takes_over_an_agent_that_lives_or_that_an_operator_retired(
    registry: RunningRegistry,
) -> None:
    key = enrolment(registry)
    heartbeat(registry, registry.register("shared")["id"])
    names = ("beats", "maintained", "reads", "retired", "retired-twice", "late")
    agents = {name: registry.register(name, key) for name in names}
    for name in ("beats", "maintained"):
        beat(registry, agents[name])
    until = {"until": ahead(hours=1), "reason": "work"}
    change(registry, "PUT", f"{agents['maintained']['id']}/maintenance", until)
    registry.execute(
        "UPDATE api_keys SET last_used_at = now() WHERE agent_id = '{id}'".format(**agents["reads"])
    )
    # Its second answer is lost, and it beats with the first.
    registry.register("late", key)
    beat(registry, agents["late"])
    registry.execute(
        "UPDATE agents SET retired_at = now() WHERE id = '{id}'".format(**agents["retired-twice"])
    )
    for name in ("retired", "retired-twice"):
        change(registry, "DELETE", agents[name]["id"])
    registry.register("of-another", team="sales")
    before = everything(registry)

    words = dict.fromkeys(("shared", *names), "own key") | {"of-another": "another team"}
    for name, word in (words | dict.fromkeys(("retired", "retired-twice"), "restore")).items():
        thief = registration(name, metrics_address="127.0.0.1:1", version="stolen")
        assert_problem(registry.post(AGENTS, thief, key), 409, name, "web-1-0", word)
    assert everything(registry) == before
    beat(registry, agents["beats"])


def test_an_agent_that_is_gone_is_enrolled_again_and_the_keys_of_before_end(
    registry: RunningRegistry,
) -> None:
    key = enrolment(registry)
    names = ("stopped", "silent", "silent-maintained", "retired-itself", "restored")
    before = {name: registry.register(name, key) for name in names}
    for name, agent in before.items():
        beat(registry, agent, goodbye=name == "stopped")
    until = {"until": ahead(hours=1), "reason": "work"}
    change(registry, "PUT", f"{before['silent-maintained']['id']}/maintenance", until)
    change(registry, "DELETE", before["restored"]["id"])
    change(registry, "POST", f"{before['restored']['id']}/restore")
    registry.wait_until_silence_counts()
    registry.execute(
        "UPDATE api_keys SET created_at = created_at - interval '2 d' FROM agents"
        " WHERE agent_id = agents.id AND last_seen_at IS NOT NULL"
    )
    registry.execute(
        "UPDATE agents SET last_seen_at = now() - interval '1 d',"
        " retired_at = CASE WHEN name = 'retired-itself' THEN now() END"
        " WHERE name IN ('silent', 'silent-maintained', 'retired-itself', 'restored')"
    )

    for name, agent in before.items():
        new = registry.register(name, key)
        assert (new["id"], new["retired_at"]) == (agent["id"], None)
        assert valid_keys(registry, agent["id"]) == 1, name
        # This answer may be lost as well.
        again = registry.register(name, key)
        assert valid_keys(registry, agent["id"]) == 2, name
        beat(registry, again)
        assert_problem(registry.post(AGENTS, registration(name), key), 409, name)
    olds = [agent["key"] for agent in before.values()]
    holds_after_a_second(lambda: {registry.get(AGENTS, old).status_code for old in olds} == {401})


def test_a_key_that_enrols_takes_those_that_it_made_with_it(registry: RunningRegistry) -> None:
    leaked, other = (enrolment(registry, name=name) for name in ("leaked", "other"))
    victims = [registry.register(name, leaked) for name in ("victim-1", "victim-2")]
    spared = registry.register("spared", other)

    keys = registry.get(KEYS, params={"limit": 500}).json()["items"]
    (made_by,) = {
        each["enrolled_by"] for each in keys if each["agent_id"] in {v["id"] for v in victims}
    }
    assert [each["name"] for each in keys if each["id"] == made_by] == ["leaked"]
    revoked, again = (registry.delete(f"{KEYS}/{made_by}").json() for _ in range(2))
    assert revoked == {"id": made_by, "own_keys_ended": 2}
    assert again["own_keys_ended"] == 0
    ended = [leaked, *(victim["key"] for victim in victims)]
    holds_after_a_second(lambda: {registry.get(AGENTS, key).status_code for key in ended} == {401})
    beat(registry, spared)

    # Also those that it is about to make.
    name = "name = 'other' AND role = 'enrolment'"
    revoked = f"UPDATE api_keys SET revoked_at = now() WHERE {name}"
    with held_up(registry, revoked, "too-late", other) as answer:
        pass
    assert_problem(answer.result(), 401, "revoked")
    assert registry.rows("SELECT 1 FROM agents WHERE name = 'too-late'") == []


def test_of_two_enrolments_at_once_the_newest_key_is_of_the_one_that_came_second(
    registry: RunningRegistry,
) -> None:
    key = enrolment(registry)
    registry.register("twice", key)
    locked = "UPDATE agents SET host = 'other' WHERE name = 'twice'"
    with held_up(registry, locked, "twice", key) as answer:
        ((begun,),) = registry.rows("SELECT clock_timestamp()")
    agent_id = answer.result().json()["id"]

    query = f"SELECT max(created_at) FROM api_keys WHERE agent_id = '{agent_id}'"
    assert registry.rows(query)[0][0] > begun
