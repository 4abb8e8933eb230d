"""What each Prometheus is to have, what it has, and who waits for that."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
import yaml

from pulseguard_registry.rules.loading import Load, Report, Target, prove
from tests.registry.problems import assert_problem
from tests.registry.rule_groups import GROUPS, RULES, group, make_group, rule, tell
from tests.registry.running import RunningRegistry, eventually

BUNDLE, SYNC = "/api/v1/rules/bundle", "/api/v1/sync"


@pytest.fixture
def registry(shared_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these, without any group or report."""
    shared_registry.execute(
        "DELETE FROM rule_groups; DELETE FROM rule_revisions; DELETE FROM rule_syncs"
    )
    return shared_registry


def bundle(registry: RunningRegistry) -> Any:
    """The bundle as the database has it now, which is in memory within a tick."""
    ((version,),) = registry.rows("SELECT value FROM versions WHERE name = 'rules'")
    eventually(lambda: registry.get(BUNDLE).json()["version"] == version, 5)
    return registry.get(BUNDLE).json()


def read(registry: RunningRegistry, made: Any) -> Any:
    """A group as it is answered."""
    return registry.get(f"{GROUPS}/{made['id']}").json()


def states(shown: Any) -> tuple[str, dict[str, str]]:
    """The state over all, and that of each Prometheus."""
    return shown["state"], {each["prometheus"]: each["state"] for each in shown["sync"]}


def test_the_bundle_has_one_file_for_each_group_that_prometheus_is_to_have(
    registry: RunningRegistry,
) -> None:
    made = sorted((make_group(registry, name=name) for name in "abc"), key=lambda one: one["id"])
    make_group(registry, name="off", enabled=False)
    make_group(registry, rule(enabled=False), name="no rule")

    told = bundle(registry)

    assert [each["id"] for each in told["groups"]] == [each["id"] for each in made]
    for each, one in zip(told["groups"], made, strict=True):
        assert (each["name"], each["file"]) == (one["name"], f"{one['id']}.yml")
        assert yaml.safe_load(each["content"])["groups"][0]["name"] == one["name"]
    registry.post(f"{GROUPS}/{made[0]['id']}/disable", None)
    later = bundle(registry)
    assert later["version"] > told["version"]
    assert [each["id"] for each in later["groups"]] == [each["id"] for each in made[1:]]


def test_a_bundle_that_is_the_same_is_not_sent_again(registry: RunningRegistry) -> None:
    make_group(registry)
    bundle(registry)
    tag = registry.get(BUNDLE).headers["etag"]
    headers = registry.bearer(None) | {"If-None-Match": tag}

    same = registry.client.get(BUNDLE, headers=headers)

    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    make_group(registry, name="another")
    bundle(registry)
    assert registry.client.get(BUNDLE, headers=headers).status_code == 200


def test_a_bundle_in_doubt_is_503(registry: RunningRegistry) -> None:
    follower = registry.app.state.bundle
    kept, follower.current = follower.current, None
    try:
        assert_problem(registry.get(BUNDLE), 503, "keep yours")
    finally:
        follower.current = kept


def test_a_group_tells_how_far_each_prometheus_is(registry: RunningRegistry) -> None:
    made = make_group(registry)
    assert states(made) == ("pending", {})

    tell(registry, 1, {made["id"]: {"loaded": 1}}, "a")
    assert states(read(registry, made)) == ("loaded", {"a": "loaded"})
    tell(registry, 0, {}, "b")
    assert states(read(registry, made)) == ("pending", {"a": "loaded", "b": "pending"})
    refused = {"loaded": None, "rejected": 1, "reason": "parse error: \x1b\x00 unexpected"}
    tell(registry, 1, {made["id"]: refused}, "b")
    shown = read(registry, made)
    assert states(shown) == ("rejected", {"a": "loaded", "b": "rejected"})
    assert shown["sync"][1]["reason"] == "parse error: \ufffd\ufffd unexpected"
    registry.execute(
        "UPDATE rule_syncs SET told_at = now() - interval '2 min' WHERE prometheus='b'"
    )
    assert states(read(registry, made))[0] == "loaded"
    listed = registry.get(GROUPS, params={"state": "loaded"}).json()["items"]
    assert [each["id"] for each in listed] == [made["id"]]


def test_a_list_shows_each_rule_as_it_is_shown_alone(registry: RunningRegistry) -> None:
    changed = make_group(registry, rule("Kept"), rule("New"), name="changed", owner="people")
    make_group(registry, rule(labels={"severity": "info"}), name="off", enabled=False)
    tell(registry, 1, {changed["id"]: {"loaded": 1}})
    registry.client.put(
        f"{RULES}/{changed['rules'][1]['id']}",
        json=rule("New", expr="vector(2) > 0"),
        headers=registry.bearer(None) | {"If-Match": "*"},
    )

    listed = registry.get(RULES).json()["items"]

    assert listed == [registry.get(f"{RULES}/{each['id']}").json() for each in listed]
    assert {each["name"]: (each["state"], each["group"], each["owner"]) for each in listed} == {
        "Kept": ("loaded", "changed", "people"),
        "New": ("pending", "changed", "people"),
        "Slow": ("pending", "off", ""),
    }


def test_a_rule_is_loaded_while_another_of_its_group_is_rejected(
    registry: RunningRegistry,
) -> None:
    made = make_group(registry, rule("A"), rule("B"))
    a, b = (f"{RULES}/{each['id']}" for each in made["rules"])
    headers = registry.bearer(None) | {"If-Match": "*"}
    registry.client.put(b, json=rule("B", expr="vector(2)"), headers=headers)

    tell(registry, 2, {made["id"]: {"loaded": 1, "rejected": 2, "reason": "no"}})

    assert states(read(registry, made))[0] == "rejected"
    assert [registry.get(each).json()["state"] for each in (a, b)] == ["loaded", "rejected"]


@pytest.mark.parametrize("shared", [{"labels": {"team": "a"}}, {"interval": "1m"}])
def test_a_rule_is_pending_with_what_it_has_of_its_group(
    registry: RunningRegistry, shared: dict[str, Any]
) -> None:
    made = make_group(registry)
    path, alone = f"{GROUPS}/{made['id']}", f"{RULES}/{made['rules'][0]['id']}"
    tell(registry, 1, {made["id"]: {"loaded": 1}})
    headers = registry.bearer(None) | {"If-Match": "*"}

    registry.client.put(path, json=group(owner="ops"), headers=headers)
    owned = registry.get(alone).json()
    registry.client.put(path, json=group(owner="ops", **shared), headers=headers)
    changed = registry.get(alone).json()

    assert [owned["state"], changed["state"]] == ["loaded", "pending"]
    assert changed["revision"] == 1
    tell(registry, 3, {made["id"]: {"loaded": 3}})
    assert registry.get(alone).json()["state"] == "loaded"


def test_what_was_told_before_a_restore_proves_nothing_after_it(
    registry: RunningRegistry,
) -> None:
    made = make_group(registry)
    version = registry.get(SYNC).json()["version"]

    tell(registry, version + 2, {made["id"]: {"loaded": 1}})
    before = states(read(registry, made))[0]
    tell(registry, version - 1, {made["id"]: {"loaded": 3}})
    grown = states(read(registry, made))[0]
    tell(registry, version, {made["id"]: {"loaded": 1}})

    assert (before, grown, states(read(registry, made))[0]) == ("pending", "pending", "loaded")


def test_a_change_that_was_overtaken_by_the_next_one_is_loaded_with_it() -> None:
    target = Target(uuid.uuid4(), revision=2, version=7, present=True)

    def state(version: int, loaded: int, **more: bool) -> str:
        loads = {str(target.group_id): Load(loaded)}
        return prove(target, Report("a", datetime.now(UTC), True, version, "", loads, **more)).state

    assert [state(8, 3), state(7, 2), state(8, 1)] == ["loaded", "loaded", "pending"]
    assert [state(6, 3), state(8, 3, is_ahead=True)] == ["pending", "pending"]


def test_what_is_taken_away_is_loaded_once_it_is_gone(registry: RunningRegistry) -> None:
    made = make_group(registry)
    tell(registry, 1, {made["id"]: {"loaded": 1}})

    off = registry.post(f"{GROUPS}/{made['id']}/disable", None).json()

    assert states(off)[0] == "pending"
    tell(registry, 1, {})
    assert states(read(registry, made))[0] == "pending"
    version = bundle(registry)["version"]
    tell(registry, version, {})
    assert states(read(registry, made)) == ("loaded", {"main": "loaded"})


def test_all_that_is_told_of_each_prometheus_is_listed(registry: RunningRegistry) -> None:
    one, two, _ = (make_group(registry, name=name) for name in "abc")
    loads = {one["id"]: {"loaded": 1}, two["id"]: {"rejected": 1, "reason": "no"}}
    tell(registry, 3, loads, trouble="it is away")
    scrapes: dict[str, Any] = {"scrapes": {}}
    registry.client.put(f"{SYNC}/other", json=scrapes, headers=registry.bearer(None))

    main, other = registry.get(SYNC).json()["prometheus"]

    counts = ("pending", "loaded", "rejected")
    assert (main["name"], [main[each] for each in counts]) == ("main", [1, 1, 1])
    assert (main["current"], main["version"], main["trouble"]) == (True, 3, "it is away")
    assert (other["name"], [other[each] for each in counts]) == ("other", [3, 0, 0])
    assert (other["current"], other["told_at"], other["scrapes_current"]) == (False, None, True)


def changing(threads: ThreadPoolExecutor, registry: RunningRegistry, wait: str) -> Future[Any]:
    """A group that is made by somebody who waits."""

    def make() -> Any:
        began = time.monotonic()
        answer = registry.post(f"{GROUPS}?wait={wait}", group())
        assert answer.status_code == 201, answer.text
        return answer.json() | {"seconds": time.monotonic() - began}

    return threads.submit(make)


def made_id(registry: RunningRegistry) -> str:
    """The id of the group as soon as it is committed."""
    eventually(lambda: registry.rows("SELECT id FROM rule_groups"))
    return str(registry.rows("SELECT id FROM rule_groups")[0][0])


def test_who_waits_is_answered_when_each_prometheus_has_loaded_or_rejected(
    registry: RunningRegistry,
) -> None:
    for name in ("a", "b"):
        tell(registry, 0, {}, name)
    tell(registry, 0, {}, "gone")
    registry.execute("UPDATE rule_syncs SET told_at = 'epoch' WHERE prometheus = 'gone'")

    with ThreadPoolExecutor(1) as threads:
        answer = changing(threads, registry, "20s")
        group_id = made_id(registry)
        tell(registry, 1, {group_id: {"loaded": 1}}, "a")
        assert not answer.done()
        tell(registry, 1, {group_id: {"rejected": 1, "reason": "no"}}, "b")
        shown = answer.result(timeout=5)

    assert states(shown) == ("rejected", {"a": "loaded", "b": "rejected", "gone": "pending"})


def test_who_waits_in_vain_is_answered_in_time_with_the_change_made(
    registry: RunningRegistry,
) -> None:
    with ThreadPoolExecutor(1) as threads:
        at_once = changing(threads, registry, "20s").result()
        registry.delete(f"{GROUPS}/{at_once['id']}")
        tell(registry, 0, {})
        late = changing(threads, registry, "300ms").result()

    assert (at_once["state"], at_once["seconds"] < 5) == ("pending", True)
    assert (late["state"], 0.3 <= late["seconds"] < 5) == ("pending", True)
    for wait in ("31s", "soon", "1.5s", ""):
        assert_problem(registry.post(f"{GROUPS}?wait={wait}", group("x")), 422, "wait", "10s")


def test_those_who_wait_hold_up_nobody(registry: RunningRegistry) -> None:
    tell(registry, 0, {})

    def make(number: int) -> int:
        answer = registry.post(f"{GROUPS}?wait=30s", group(f"g{number}"))
        return int(answer.status_code)

    def are_made(count: int) -> bool:
        return registry.rows("SELECT count(*) FROM rule_groups") == [(count,)]

    # More than there are connections.
    with ThreadPoolExecutor(24) as threads:
        waiting = []
        for number in range(24):
            waiting.append(threads.submit(make, number))
            eventually(partial(are_made, number + 1))
        began = time.monotonic()
        assert registry.get(GROUPS, params={"limit": 1}).status_code == 200
        seconds = time.monotonic() - began
        assert not any(each.done() for each in waiting)
        ids = [each for (each,) in registry.rows("SELECT id FROM rule_groups")]
        tell(registry, 24, {str(each): {"loaded": 1} for each in ids})
        assert {each.result(timeout=10) for each in waiting} == {201}
    assert seconds < 1
