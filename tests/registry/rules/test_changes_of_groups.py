"""A group that is there is changed: what was left out stays, and what was read is sent back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.registry.problems import assert_problem
from tests.registry.rule_groups import GROUPS, RULES, group, make_group, rule
from tests.registry.running import RunningRegistry

RECORD = {"kind": "record", "name": "a:b:c", "expr": "up"}


@pytest.fixture
def registry(shared_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these, without any group."""
    shared_registry.execute("DELETE FROM rule_groups; DELETE FROM rule_revisions")
    return shared_registry


def put(registry: RunningRegistry, path: str, body: Any) -> Any:
    """PUT, whatever is there."""
    headers = registry.bearer(None) | {"If-Match": "*"}
    return registry.client.put(path, json=body, headers=headers)


def test_rules_that_differ_by_a_label_of_their_group_only_are_one_rule(
    registry: RunningRegistry,
) -> None:
    plain, labelled = rule(), rule(labels={"team": "a"})
    made = make_group(registry, plain, labels={"team": "a"})

    both = registry.post(GROUPS, group("other", plain, labelled, labels={"team": "a"}))
    added = registry.post(RULES, {"group_id": made["id"], **labelled})

    assert_problem(both, 422, "rules", "'Slow' twice")
    assert_problem(added, 409, "name", made["rules"][0]["id"])


def test_what_was_read_is_sent_back_with_one_change(registry: RunningRegistry) -> None:
    made = make_group(registry, rule("A", severity="page"), RECORD)
    path, alone = f"{GROUPS}/{made['id']}", f"{RULES}/{made['rules'][0]['id']}"

    of_rule = put(registry, alone, registry.get(alone).json() | {"expr": "vector(2)"})
    of_group = put(registry, path, registry.get(path).json() | {"interval": "1m"})
    document = registry.get(f"{path}/revisions/3").json()["document"]
    document["rules"][0]["severity"] = "info"
    del document["rules"][0]["labels"]
    of_revision = put(registry, path, document)
    unknown = put(registry, path, document | {"sate": "loaded"})

    assert (of_rule.status_code, of_rule.json()["revision"]) == (200, 2)
    assert (of_group.status_code, of_group.json()["interval"]) == (200, "1m")
    assert [each["id"] for each in of_group.json()["rules"]] == [one["id"] for one in made["rules"]]
    assert of_revision.json()["rules"][0]["severity"] == "info"
    assert_problem(unknown, 422, "sate")
    assert "severity" not in registry.get(f"{path}/revisions/3").json()["document"]["rules"][0]


def test_what_was_disabled_stays_so_until_it_is_enabled(registry: RunningRegistry) -> None:
    made = make_group(registry, rule("On"), rule("Off", enabled=False), enabled=False)
    path, off = f"{GROUPS}/{made['id']}", f"{RULES}/{made['rules'][1]['id']}"

    changed = put(registry, path, group("agents", rule("On"), rule("Off", expr="vector(2)"))).json()
    alone = put(registry, off, rule("Off", expr="vector(3)")).json()
    enabled = put(registry, path, group("agents", rule("Off", enabled=True), enabled=True)).json()

    assert (changed["enabled"], [each["enabled"] for each in changed["rules"]]) == (
        False,
        [True, False],
    )
    assert (alone["expr"], alone["enabled"]) == ("vector(3)", False)
    assert (enabled["enabled"], enabled["rules"][0]["enabled"]) == (True, True)
