"""Planned work, and agents that are away for good: what ends by itself."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from pulseguard_registry.agents.schemas import State
from pulseguard_registry.settings import Settings
from pulseguard_registry.upkeep import retire_agents
from tests.registry.events import AGENTS, ahead, change, events, heartbeat, moves, told
from tests.registry.problems import assert_problem
from tests.registry.running import RunningRegistry, eventually
from tests.registry.test_audit import records


@pytest.fixture
def registry(watchful_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these: each has agents of its own."""
    return watchful_registry


def status(registry: RunningRegistry, agent_id: str) -> str:
    """The status that was told last."""
    return str(registry.rows(f"SELECT status FROM agent_told WHERE agent_id = '{agent_id}'")[0][0])


def upkeep(registry: RunningRegistry, settings: Settings) -> None:
    """What the registry does every hour."""
    retire_agents(registry.app.state.database, settings)


def test_maintenance_comes_before_all_else_and_ends_by_itself(registry: RunningRegistry) -> None:
    agent_id = registry.register("maintained")["id"]
    heartbeat(registry, agent_id, state="failed")
    path, work = f"{agent_id}/maintenance", {"until": ahead(days=1), "reason": "new disks"}

    first = change(registry, "PUT", path, work)
    again = change(registry, "PUT", path, work)
    heartbeat(registry, agent_id)

    planned = first.json()
    assert (planned["status"], planned["status_reason"]) == ("MAINTENANCE", "maintenance")
    assert again.json() == planned
    assert again.headers["etag"] == first.headers["etag"]
    assert registry.get(AGENTS, params={"status": "MAINTENANCE"}).json()["items"] != []

    moved = change(registry, "PUT", path, {**work, "until": ahead(seconds=1)})
    assert moved.json()["status"] == "MAINTENANCE"
    eventually(lambda: registry.get(f"{AGENTS}/{agent_id}").json()["status"] == "ONLINE", 5)
    eventually(lambda: told(registry, agent_id)[-1] == "maintenance_ended", 5)
    eventually(lambda: moves(registry, agent_id)[-1] == ("MAINTENANCE", "ONLINE", None), 5)
    kinds = ["maintenance_began", "maintenance_changed", "maintenance_ended"]
    began, changed, ended = events(registry, agent_id, kind=kinds)
    assert began["detail"] == changed["detail"] == ended["detail"] == {"reason": "new disks"}
    assert [began["from"], changed["from"], ended["from"]] == [None, began["to"], changed["to"]]

    change(registry, "PUT", path, work)
    for _ in range(2):
        change(registry, "DELETE", path)
    assert told(registry, agent_id)[-2:] == ["maintenance_began", "maintenance_ended"]
    assert registry.get(f"{AGENTS}/{agent_id}").json()["status"] == "ONLINE"


@pytest.mark.parametrize(
    ("until", "words"),
    [
        (ahead(seconds=-1), "over already"),
        (ahead(days=31), "30 days"),
        ("2026-11-28T10:00:00", "until"),
        ("tomorrow", "until"),
    ],
    ids=["past", "far", "no offset", "no time"],
)
def test_maintenance_that_cannot_be_is_refused(
    registry: RunningRegistry, until: str, words: str
) -> None:
    agent_id = registry.register("refused")["id"]
    path = f"{AGENTS}/{agent_id}/maintenance"

    answer = registry.client.put(path, json={"until": until}, headers=registry.bearer(None))

    assert_problem(answer, 422, "until", until[:10], words)


@pytest.mark.parametrize("until", ["NULL", "now() - interval '1 s'", "now() + interval '1 h'"])
def test_the_receipt_of_a_heartbeat_tells_the_status_that_the_agent_has(
    registry: RunningRegistry, until: str
) -> None:
    agent_id = registry.register("receipts")["id"]
    registry.execute(f"UPDATE agents SET maintenance_until = {until} WHERE id = '{agent_id}'")
    for state, goodbye in itertools.product(get_args(State), (False, True)):
        registry.register("receipts")
        body = {"state": state, "goodbye": goodbye}
        alone = registry.post(f"{AGENTS}/{agent_id}/heartbeat", body).json()
        has = registry.get(f"{AGENTS}/{agent_id}").json()
        registry.register("receipts")
        bulk = registry.post("/api/v1/heartbeats", {"heartbeats": [{"agent_id": agent_id, **body}]})
        (result,) = bulk.json()["results"]

        assert alone["status"] == result["status"] == has["status"], body


def test_work_that_takes_longer_keeps_its_reason_and_new_work_has_its_own(
    registry: RunningRegistry,
) -> None:
    path = f"{registry.register('reasons')['id']}/maintenance"

    def reason(**work: str) -> str:
        return str(change(registry, "PUT", path, work).json()["maintenance_reason"])

    assert reason(until=ahead(hours=1), reason="new disks") == "new disks"
    assert reason(until=ahead(hours=2)) == "new disks"
    assert reason(until=ahead(hours=2), reason="") == ""
    reason(until=ahead(hours=1), reason="new disks")
    registry.execute("UPDATE agents SET maintenance_until = now() WHERE name = 'reasons'")
    assert reason(until=ahead(hours=1)) == ""


def test_a_retired_agent_is_not_maintained(registry: RunningRegistry) -> None:
    agent_id = registry.register("ended")["id"]
    path, work = f"{agent_id}/maintenance", {"until": ahead(days=1)}
    change(registry, "PUT", path, work)
    change(registry, "DELETE", agent_id)

    answer = registry.client.put(f"{AGENTS}/{path}", json=work, headers=registry.bearer(None))

    assert_problem(answer, 409, "restore")
    assert registry.get(f"{AGENTS}/{agent_id}").json()["status"] == "OFFLINE"
    assert told(registry, agent_id)[-2:] == ["retired", "maintenance_ended"]


def test_who_is_away_for_days_is_retired_and_nobody_else(registry: RunningRegistry) -> None:
    ids = {
        name: registry.register(name, environment="away")["id"]
        for name in ("alive", "silent", "silent lately", "stopped", "stopped lately", "restored")
    }
    for name, agent_id in ids.items():
        heartbeat(registry, agent_id, goodbye=name.startswith(("stopped", "restored")))
    silent = f"('{ids['silent']}', '{ids['silent lately']}')"
    registry.wait_until_silence_counts()
    registry.execute(
        f"UPDATE agents SET last_seen_at = now() - interval '9 d' WHERE id IN {silent}"
    )
    eventually(
        lambda: (
            {name for name, agent_id in ids.items() if status(registry, agent_id) == "OFFLINE"}
            == ids.keys() - {"alive"}
        )
    )

    def noticed(name: str, ago: str) -> None:
        registry.execute(
            f"UPDATE agent_told SET told_at = now() - interval '{ago}'"
            f" WHERE agent_id = '{ids[name]}'"
        )

    def retired() -> set[str]:
        query = {"environment": "away", "include_retired": "true"}
        items = registry.get(AGENTS, params=query).json()["items"]
        return {item["name"] for item in items if item["retired_at"] is not None}

    for name, ago in {
        "alive": "9 d",
        "silent": "7 d 1 min",
        "silent lately": "6 d 23 h",
        "stopped": "1 d 1 min",
        "stopped lately": "23 h",
        "restored": "9 d",
    }.items():
        noticed(name, ago)
    upkeep(registry, Settings(retire_silent_days=0, retire_stopped_days=0))
    assert retired() == set()

    upkeep(registry, Settings())
    assert retired() == {"silent", "stopped", "restored"}
    causes = [events(registry, ids[name])[-1]["detail"] for name in ("silent", "stopped")]
    assert causes == [{"cause": "silent"}, {"cause": "stopped"}]
    recorded = records(registry, object_type="agents")[:4]
    assert {
        one["object_id"] for one in recorded if one["key_name"] == "upkeep of the registry"
    } == {ids[name] for name in ("silent", "stopped", "restored")}
    told_of, by_hand = recorded[0], change(registry, "DELETE", ids["stopped lately"])
    assert (told_of["method"], told_of["status"]) == ("DELETE", by_hand.status_code)
    assert told_of["route"] == records(registry, object_id=ids["stopped lately"])[0]["route"]

    change(registry, "POST", f"{ids['restored']}/restore")
    upkeep(registry, Settings())
    assert retired() == {"silent", "stopped", "stopped lately"}
