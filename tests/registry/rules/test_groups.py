"""Groups and rules by the API: made, changed, found, refused."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.registry.problems import assert_problem, everything
from tests.registry.rule_groups import GROUPS, RULES, group, make_group, rule
from tests.registry.running import RunningRegistry

NOWHERE = "00000000-0000-0000-0000-000000000000"
LONG = "a" * 20_001


@pytest.fixture
def registry(shared_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these, without any group."""
    shared_registry.execute("DELETE FROM rule_groups; DELETE FROM rule_revisions")
    return shared_registry


def put(registry: RunningRegistry, path: str, body: Any, tag: object = "*") -> Any:
    """PUT under a condition."""
    headers = registry.bearer(None) | {"If-Match": tag if tag == "*" else f'"{tag}"'}
    return registry.client.put(path, json=body, headers=headers)


def test_a_group_is_answered_as_it_was_sent_with_ids_and_revisions(
    registry: RunningRegistry,
) -> None:
    slow = rule(labels={"tier": "gold"}, annotations={"summary": "{{ $value }}"}, severity="page")
    sent = group("agents", slow, interval="30s", limit=5, labels={"team": "a"}, owner="ops")

    answer = registry.post(GROUPS, sent)

    made = answer.json()
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    (kept,) = made["rules"]
    assert kept["labels"] == {"tier": "gold", "severity": "page"}
    assert (kept["severity"], kept["runbook_url"]) == ("page", None)
    assert {name: made[name] for name in sent if name != "rules"} == {
        name: value for name, value in sent.items() if name != "rules"
    }
    assert registry.get(f"{GROUPS}/{made['id']}").json() == {
        name: value for name, value in made.items() if name != "warnings"
    }
    found = registry.get(f"{RULES}/{kept['id']}").json()
    assert (found["group_id"], found["group"], found["owner"]) == (made["id"], "agents", "ops")


def test_the_same_group_again_is_no_change_and_another_of_its_name_is_409(
    registry: RunningRegistry,
) -> None:
    made = make_group(registry)

    same = registry.post(GROUPS, group())
    other = registry.post(GROUPS, group("agents", rule("Other")))

    assert (same.status_code, same.json()["id"], same.json()["revision"]) == (200, made["id"], 1)
    assert_problem(other, 409, "name", made["id"], "PUT")


def test_a_rule_is_the_same_rule_by_its_id_or_its_name(registry: RunningRegistry) -> None:
    one, two, three = (rule("Same", labels={"a": each}) for each in "123")
    made = make_group(registry, one, two)
    first, second = (each["id"] for each in made["rules"])
    path = f"{GROUPS}/{made['id']}"

    changed = put(registry, path, group("agents", three, two, one | {"for": "1m"})).json()
    renamed = put(registry, path, group("agents", {**rule("New"), "id": second})).json()
    stranger = put(registry, path, group("agents", {**rule(), "id": first}))

    ids = [each["id"] for each in changed["rules"]]
    assert ids[1:] == [second, first]
    assert [each["revision"] for each in changed["rules"]] == [2, 1, 2]
    assert [(each["id"], each["name"]) for each in renamed["rules"]] == [(second, "New")]
    assert_problem(stranger, 422, "rules.0.id", first)


def test_rules_of_one_group_are_edited_by_two_people_and_one_rule_by_one(
    registry: RunningRegistry,
) -> None:
    made = make_group(registry, rule("A"), rule("B"))
    a, b = (f"{RULES}/{each['id']}" for each in made["rules"])

    assert put(registry, a, rule("A", expr="vector(2)"), 1).status_code == 200
    assert put(registry, b, rule("B", expr="vector(3)"), 1).status_code == 200
    lost = put(registry, a, rule("A", expr="vector(4)"), 1)
    group_lost = put(registry, f"{GROUPS}/{made['id']}", group(), 1)

    assert_problem(lost, 412, "changed meanwhile")
    assert_problem(group_lost, 412, '"3\\"')
    now = registry.get(f"{GROUPS}/{made['id']}").json()
    assert [each["expr"] for each in now["rules"]] == ["vector(2)", "vector(3)"]
    assert [each["revision"] for each in now["rules"]] == [2, 3]


def test_concurrent_edits_lose_nothing(registry: RunningRegistry) -> None:
    made = make_group(registry, rule("Zero", expr="vector(0)"))
    path = f"{RULES}/{made['rules'][0]['id']}"
    start = threading.Barrier(8)

    def add_one(number: int) -> int:
        start.wait()
        added = registry.post(RULES, {"group_id": made["id"], **rule(f"Rule{number}")})
        assert added.status_code == 201, added.text
        for tries in range(100):
            read = registry.get(path)
            value = int(read.json()["expr"][7:-1]) + 1
            body = rule("Zero", expr=f"vector({value})")
            answer = put(registry, path, body, read.headers["etag"].strip('"'))
            if answer.status_code == 200:
                return tries
            assert answer.status_code == 412, answer.text
        raise AssertionError("it never won")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add_one, range(8)))

    now = registry.get(f"{GROUPS}/{made['id']}").json()
    assert now["rules"][0]["expr"] == "vector(8)"
    assert {each["name"] for each in now["rules"]} == {"Zero", *(f"Rule{n}" for n in range(8))}
    assert now["revision"] == 17
    numbers = registry.rows("SELECT number FROM rule_revisions ORDER BY number")
    assert numbers == [(number,) for number in range(1, 18)]


def test_a_rule_comes_last_changes_and_goes(registry: RunningRegistry) -> None:
    made = make_group(registry)
    added = registry.post(RULES, {"group_id": made["id"], **rule("Added")})
    path = f"{RULES}/{added.json()['id']}"

    assert (added.status_code, added.headers["etag"]) == (201, '"2"')
    assert_problem(registry.post(RULES, {"group_id": made["id"], **rule()}), 409, "name", "Slow")
    assert_problem(put(registry, path, rule()), 409, "name", "Slow")
    assert registry.post(f"{path}/disable", None).json()["enabled"] is False
    assert registry.post(f"{path}/disable", None).json()["revision"] == 3
    assert registry.post(f"{path}/enable", None).json()["revision"] == 4
    gone = registry.delete(path).json()
    assert (gone["name"], gone["group_id"], gone["revision"]) == ("Added", made["id"], 5)
    assert_problem(registry.get(path), 404, "alert-rules")
    assert_problem(registry.post(RULES, {"group_id": NOWHERE, **rule()}), 404, NOWHERE)


def test_lists_are_narrowed_and_paged(registry: RunningRegistry) -> None:
    for number in range(3):
        make_group(registry, rule(f"R{number}"), name=f"g{number}", owner=f"o{number % 2}")
    record = {"kind": "record", "name": "a:b:c", "expr": "up"}
    make_group(registry, record, name="off", enabled=False, labels={"severity": "page"})

    def names(path: str, **filters: object) -> list[str]:
        found: list[str] = []
        cursor: dict[str, object] = {}
        while cursor != {"cursor": None}:
            page = registry.get(path, params=filters | cursor).json()
            found += [each["name"] for each in page["items"]]
            cursor = {"cursor": page["next_cursor"]}
        return sorted(found)

    assert names(GROUPS, limit=1) == ["g0", "g1", "g2", "off"]
    assert names(GROUPS, owner="o0", limit=1) == ["g0", "g2"]
    assert names(GROUPS, enabled=False) == ["off"]
    assert names(GROUPS, name="g1") == ["g1"]
    assert names(GROUPS, state="pending", limit=1) == ["g0", "g1", "g2", "off"]
    assert names(GROUPS, state="loaded") == []
    assert names(RULES, limit=1) == ["R0", "R1", "R2", "a:b:c"]
    assert names(RULES, kind="record") == names(RULES, severity="page") == ["a:b:c"]
    assert names(RULES, group="g1", owner="o1") == names(RULES, name="R1") == ["R1"]


RECORD = {"kind": "record", "name": "a:b:c", "expr": "up"}
FAULTS: list[tuple[dict[str, Any], str, str]] = [
    (rule(**{"for": "5 minutes"}), "for", "whole numbers with units"),
    (rule(**{"for": "400d"}), "for", "366d"),
    (rule(keep_firing_for="1.5h"), "keep_firing_for", "whole numbers with units"),
    (rule(labels={"a-b": "c"}), "labels.a-b", "letters, digits and _"),
    (rule(labels={"__name__": "c"}), "labels.__name__", "keeps to itself"),
    (rule(labels={"alertname": "c"}), "labels.alertname", "set by Prometheus"),
    (rule(labels={"severity": "{{ $value }}"}), "labels", "severity holds {{"),
    (rule(severity="{{ $value }}"), "severity", "no template is expanded"),
    (rule(severity="page", labels={"severity": "info"}), "severity", "labels.severity"),
    (rule(runbook_url="http://a", annotations={"runbook_url": "http://b"}), "runbook_url", "two"),
    (rule(annotations={"runbook_url": "{{ a }}"}), "annotations", "runbook_url holds {{"),
    (rule(annotations={"a b": "c"}), "annotations.a b", "letters, digits and _"),
    (rule("{{ $value }}"), "name", "no template is expanded"),
    (rule("a\nb"), "name", "U+000A"),
    (rule(expr=" \n"), "expr", "is empty"),
    (rule(expr=LONG), "expr", "20000"),
    (rule(expr="up\u202e"), "expr", "U+202E"),
    (rule(enabled="yes"), "enabled", "boolean"),
    (rule(alert="Slow"), "alert", "`kind`"),
    (RECORD | {"name": "a-b"}, "name", "recording rule"),
    (RECORD | {"for": "5m"}, "for", "alerting rules"),
    (RECORD | {"annotations": {"a": "b"}}, "annotations", "alerting rules"),
    (RECORD | {"labels": {"a": "{{ $value }}"}}, "labels", "a holds {{"),
]


@pytest.mark.parametrize(("body", "field", "words"), FAULTS)
def test_a_rule_that_does_not_hold_names_field_and_mend(
    registry: RunningRegistry, body: dict[str, Any], field: str, words: str
) -> None:
    before = everything(registry)

    alone = registry.post(f"{RULES}/check", body)
    grouped = registry.post(GROUPS, group("agents", rule("Fine"), body))

    assert_problem(alone, 422)
    (fault,) = alone.json()["errors"]
    assert (fault["field"], words in fault["message"]) == (field, True), fault
    (fault,) = grouped.json()["errors"]
    assert fault["field"] == f"rules.1.{field}"
    assert everything(registry) == before


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"query_offset": "1m"}, "query_offset", "2.42"),
        ({"interval": "0s"}, "interval", "shorter than 1s"),
        ({"interval": ""}, "interval", "whole numbers"),
        ({"limit": -1}, "limit", "greater than or equal to 0"),
        ({"labels": {"a": "{{ $value }}"}}, "labels.a", "no template is expanded"),
        ({"owner": "{{ a }}"}, "owner", "no template is expanded"),
        ({"name": "{{ a }}"}, "name", "no template is expanded"),
        ({"rules": [rule(), rule(expr="up")]}, "rules", "'Slow' twice, as 0 and 1"),
        ({"rules": [rule(f"R{n}") for n in range(501)]}, "rules", "at most 500"),
    ],
)
def test_a_group_that_does_not_hold_names_field_and_mend(
    registry: RunningRegistry, fields: dict[str, Any], field: str, words: str
) -> None:
    answer = registry.post(GROUPS, group() | fields)

    assert_problem(answer, 422)
    (fault,) = answer.json()["errors"]
    assert (fault["field"], words in fault["message"]) == (field, True), fault


def test_a_deleted_group_is_known_by_its_revisions_only(registry: RunningRegistry) -> None:
    made = make_group(registry)
    path = f"{GROUPS}/{made['id']}"

    lost = registry.client.delete(path, headers=registry.bearer(None) | {"If-Match": '"7"'})
    gone = registry.delete(path)

    assert_problem(lost, 412, "changed meanwhile")
    assert (gone.json()["id"], gone.headers["etag"]) == (made["id"], '"2"')
    assert_problem(registry.get(path), 404, "rule-groups")
    assert_problem(registry.delete(path), 404, "rule-groups")
    assert_problem(put(registry, path, group()), 404, "rule-groups")
    assert registry.get(f"{path}/revisions").json()["items"][0]["action"] == "deleted"
    assert registry.rows("SELECT * FROM alert_rules") == []


def test_two_groups_never_have_one_name(registry: RunningRegistry) -> None:
    make_group(registry, name="one")
    two = make_group(registry, name="two")

    renamed = put(registry, f"{GROUPS}/{two['id']}", group("one"))

    assert_problem(renamed, 409, "name", "one")
    assert put(registry, f"{GROUPS}/{two['id']}", group("three")).json()["name"] == "three"
