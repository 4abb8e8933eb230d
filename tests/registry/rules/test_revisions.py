"""Every change of a group is a revision: who, when, why, what, and back to any."""

from __future__ import annotations

import uuid
from typing import Any

import psycopg
import pytest
from sqlalchemy import inspect

from pulseguard_registry.rules.revisions import list_revisions
from tests.registry.problems import assert_problem
from tests.registry.rule_groups import GROUPS, RULES, group, make_group, rule
from tests.registry.running import RunningRegistry


@pytest.fixture
def registry(shared_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these, without any group."""
    shared_registry.execute("DELETE FROM rule_groups; DELETE FROM rule_revisions")
    return shared_registry


def put(registry: RunningRegistry, made: Any, body: Any, message: str = "") -> Any:
    """Have a group be another one."""
    answer = registry.client.put(
        f"{GROUPS}/{made['id']}",
        json=body,
        params={"message": message},
        headers=registry.bearer(None) | {"If-Match": "*"},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def roll_back(registry: RunningRegistry, group_id: str, revision: int) -> Any:
    """Back to a revision."""
    return registry.post(f"{GROUPS}/{group_id}/rollback", {"revision": revision, "message": "no"})


def without_times(shown: Any) -> Any:
    """A group, but for what another revision changes by itself."""
    rules = [{**each, "revision": None} for each in shown["rules"]]
    passing = ("revision", "created_at", "changed_at", "warnings")
    return {name: value for name, value in shown.items() if name not in passing} | {"rules": rules}


def test_what_was_deleted_is_listed_by_its_last_name_until_it_is_back(
    registry: RunningRegistry,
) -> None:
    def deleted(**asked: Any) -> list[tuple[str, int]]:
        page = registry.get(f"{GROUPS}/deleted", params=asked).json()
        return [(each["name"], each["revision"]) for each in page["items"]]

    made, other = make_group(registry, name="old"), make_group(registry, name="other")
    put(registry, made, group("new"))
    assert deleted() == []
    for one in (made, other):
        registry.client.delete(f"{GROUPS}/{one['id']}", headers=registry.bearer(None))

    assert sorted(deleted()) == [("new", 3), ("other", 2)]
    assert (deleted(name="old"), deleted(name="new")) == ([], [("new", 3)])
    first = registry.get(f"{GROUPS}/deleted", params={"limit": 1}).json()
    assert len(first["items"]) == 1
    assert sorted(deleted(cursor=first["next_cursor"]) + deleted(limit=1)) == sorted(deleted())
    roll_back(registry, made["id"], 2)
    assert deleted() == [("other", 2)]
    registry.client.delete(f"{GROUPS}/{made['id']}", headers=registry.bearer(None))
    assert sorted(deleted()) == [("new", 5), ("other", 2)]
    assert_problem(registry.get(f"{GROUPS}/deleted", params={"name": "\x00"}), 422, "name")


def test_a_revision_tells_who_when_why_and_what(registry: RunningRegistry) -> None:
    made = make_group(registry)
    wanted = group("agents", rule(**{"for": "1h"}), rule("New"), interval="1m")
    put(registry, made, wanted, "too loud at night")
    path = f"{GROUPS}/{made['id']}/revisions"

    newest, first = registry.get(path).json()["items"]

    assert (newest["number"], newest["action"], newest["author"]) == (2, "changed", "first admin")
    assert newest["message"] == "too loud at night"
    assert newest["at"] > first["at"]
    assert newest["changes"] == ["interval", "rules.Slow.for", "rules.New"]
    assert "\n+  interval: 1m\n" in newest["diff"]
    assert "revision" not in newest["diff"]
    whole = registry.get(f"{path}/2").json()
    assert [each["name"] for each in whole["document"]["rules"]] == ["Slow", "New"]
    assert whole["document"]["interval"] == "1m"
    page = registry.get(path, params={"limit": 1}).json()
    assert page["next_cursor"] == 2
    assert registry.get(path, params={"cursor": 2}).json()["items"] == [first]
    assert_problem(registry.get(f"{path}/3"), 404, "revision 3")


def test_a_list_of_revisions_is_read_without_their_groups(registry: RunningRegistry) -> None:
    made = make_group(registry)

    with registry.app.state.database.sessions() as session:
        (row,) = list_revisions(session, uuid.UUID(made["id"]), below=None, most=9)

    assert "document" in inspect(row).unloaded


def test_a_change_that_prometheus_does_not_see_has_no_diff_and_says_so(
    registry: RunningRegistry,
) -> None:
    made = make_group(registry, rule("A"), rule("B", enabled=False))
    put(registry, made, group("agents", rule("A"), rule("B", enabled=False), owner="ops"))
    put(registry, made, group("agents", rule("B", enabled=False), rule("A"), owner="ops"))

    third, second, _ = registry.get(f"{GROUPS}/{made['id']}/revisions").json()["items"]

    assert (second["changes"], second["diff"], second["rules"]) == (["owner"], "", [])
    assert (third["changes"], third["diff"], third["rules"]) == (["rules"], "", [])


def test_the_same_again_makes_no_revision(registry: RunningRegistry) -> None:
    made = make_group(registry)

    assert put(registry, made, group())["revision"] == 1
    assert registry.post(f"{GROUPS}/{made['id']}/enable", None).json()["revision"] == 1
    assert roll_back(registry, made["id"], 1).json()["revision"] == 1


def test_a_rule_has_the_revisions_in_which_it_changed(registry: RunningRegistry) -> None:
    made = make_group(registry, rule("A"), rule("B"))
    a, b = (each["id"] for each in made["rules"])
    put(registry, made, group("agents", rule("A"), rule("B", expr="vector(2)")))

    assert [
        [each["number"] for each in registry.get(f"{RULES}/{one}/revisions").json()["items"]]
        for one in (a, b)
    ] == [[1], [2, 1]]


def test_a_deleted_rule_is_known_by_its_revisions(registry: RunningRegistry) -> None:
    made = make_group(registry, rule("A"), rule("B"))
    path = f"{RULES}/{made['rules'][0]['id']}"
    registry.delete(path)

    told = registry.get(f"{path}/revisions").json()["items"]

    assert [each["number"] for each in told] == [2, 1]
    assert_problem(registry.get(f"{RULES}/{made['id']}/revisions"), 404, made["id"])


def test_a_group_is_rolled_back_to_any_revision_with_its_ids(registry: RunningRegistry) -> None:
    made = make_group(registry, rule("A"), rule("B"))
    registry.delete(f"{RULES}/{made['rules'][0]['id']}")
    put(registry, made, group("renamed", rule("C"), interval="1m", enabled=False))

    back = roll_back(registry, made["id"], 1).json()

    assert without_times(back) == without_times(made)
    assert back["revision"] == 4
    newest = registry.get(f"{GROUPS}/{made['id']}/revisions").json()["items"][0]
    assert (newest["action"], newest["message"]) == ("rolled_back", "no")
    assert_problem(roll_back(registry, made["id"], 9), 404, "revision 9")


def test_a_deleted_group_comes_back_under_its_id(registry: RunningRegistry) -> None:
    made = make_group(registry)
    registry.delete(f"{GROUPS}/{made['id']}")

    assert_problem(roll_back(registry, made["id"], 2), 422, "revision", "deleted")
    back = roll_back(registry, made["id"], 1).json()

    assert (without_times(back), back["revision"]) == (without_times(made), 3)
    registry.delete(f"{GROUPS}/{made['id']}")
    other = make_group(registry)
    assert_problem(roll_back(registry, made["id"], 3), 409, "name", other["id"])


@pytest.mark.parametrize("tag", ['"1"', "*"])
def test_a_deleted_group_comes_back_for_nobody_who_expects_one(
    registry: RunningRegistry, tag: str
) -> None:
    made = make_group(registry)
    registry.delete(f"{GROUPS}/{made['id']}")

    headers = registry.bearer(None) | {"If-Match": tag}
    path = f"{GROUPS}/{made['id']}/rollback"
    answer = registry.client.post(path, json={"revision": 1}, headers=headers)

    assert_problem(answer, 412, "If-Match", "deleted meanwhile")
    assert roll_back(registry, made["id"], 1).status_code == 200


def test_what_is_changed_is_audited_and_what_is_refused_is_not(registry: RunningRegistry) -> None:
    made = make_group(registry)
    registry.post(GROUPS, group("agents", rule("Other")))
    registry.post(f"{GROUPS}/check", group())
    registry.post(f"{GROUPS}/{made['id']}/disable", None)

    query = {"object_id": made["id"]}
    records = registry.get("/api/v1/audit", params=query).json()["items"]

    assert [(each["route"].rpartition("/")[2], each["status"]) for each in records] == [
        ("disable", 200),
        ("rule-groups", 201),
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE alert_rules SET kind = 'other'",
        "UPDATE alert_rules SET kind = 'record'",
        "UPDATE alert_rules SET position = -1",
        "UPDATE alert_rules SET position = 0",
        "UPDATE alert_rules SET name = 'A'",
        "UPDATE rule_groups SET revision = 0",
        "UPDATE rule_groups SET enabled = false",
        "UPDATE rule_groups SET name = ''",
        "INSERT INTO rule_revisions SELECT * FROM rule_revisions",
        "UPDATE rule_revisions SET document = NULL",
    ],
)
def test_postgresql_keeps_out_what_cannot_be(registry: RunningRegistry, statement: str) -> None:
    make_group(registry, rule("A"), rule("B"))

    with pytest.raises(psycopg.errors.IntegrityError):
        registry.execute(f"{statement}; SET CONSTRAINTS ALL IMMEDIATE")
