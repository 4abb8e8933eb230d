"""Many groups at once: all or none, told group by group, pruned by owner."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest

from tests.registry.problems import assert_problem, everything
from tests.registry.rule_groups import GROUPS, group, make_group, rule
from tests.registry.running import RunningRegistry, eventually

LONG = bool(os.environ.get("PULSEGUARD_TEST_LONG"))
MANY = 200 if LONG else 40


@pytest.fixture
def registry(shared_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these, without any group."""
    shared_registry.execute("DELETE FROM rule_groups; DELETE FROM rule_revisions")
    return shared_registry


def apply(registry: RunningRegistry, *groups: dict[str, Any], **asked: Any) -> Any:
    """Apply these."""
    return registry.post(f"{GROUPS}/apply", {"groups": list(groups), **asked})


def outcomes(answer: Any) -> dict[str, str]:
    """What became of each group."""
    assert answer.status_code == 200, answer.text
    return {each["name"]: each["outcome"] for each in answer.json()["groups"]}


def names(registry: RunningRegistry) -> list[str]:
    """The groups that there are."""
    return sorted(each["name"] for each in registry.get(GROUPS).json()["items"])


def test_what_is_applied_again_is_unchanged(registry: RunningRegistry) -> None:
    groups = [group("a"), group("b", rule("Other"))]

    assert outcomes(apply(registry, *groups)) == {"a": "created", "b": "created"}
    assert outcomes(apply(registry, *groups)) == {"a": "unchanged", "b": "unchanged"}
    told = apply(registry, group("a", interval="1m"), groups[1])
    assert outcomes(told) == {"a": "changed", "b": "unchanged"}
    changed, unchanged = told.json()["groups"]
    assert (changed["revision"], changed["changes"]) == (2, ["interval"])
    assert "+  interval: 1m\n" in changed["diff"]
    assert (unchanged["revision"], unchanged["diff"]) == (1, "")


def test_an_id_names_a_rule_of_the_group_or_is_refused(registry: RunningRegistry) -> None:
    made = make_group(registry, name="a")
    kept = made["rules"][0]["id"]

    renamed = apply(registry, group("a", {**rule("New"), "id": kept}))
    strange = apply(registry, group("a"), group("b", {**rule(), "id": kept}))

    assert outcomes(renamed) == {"a": "changed"}
    assert renamed.json()["groups"][0]["changes"] == ["rules.New.name"]
    assert_problem(strange, 422, "groups.1.rules.0.id", kept)


def test_rules_that_are_taken_away_are_named_and_those_that_come_or_change_are_not(
    registry: RunningRegistry,
) -> None:
    again = rule("Gone", labels={"team": "a"})
    old = (rule("Gone"), rule("Stays"), again, rule("Other.expr"))
    assert outcomes(apply(registry, group("a", *old), owner="ours")) == {"a": "created"}

    wanted = group("a", rule("Stays", expr="vector(2) > 0"), rule("New")), group("b")
    told = [
        apply(registry, *wanted, owner="ours", dry_run=dry_run).json()["groups"]
        for dry_run in (True, False, False)
    ]
    (pruned,) = apply(registry, group("b"), owner="ours", prune=True).json()["groups"][1:]

    gone = ["Gone", "Gone", "Other.expr"]
    removed = [[one["removed"] for one in groups] for groups in told]
    assert removed == [[gone, []], [gone, []], [[], []]]
    assert pruned["removed"] == ["Stays", "New"]


def test_only_the_owners_groups_are_pruned(registry: RunningRegistry) -> None:
    make_group(registry, name="theirs", owner="theirs")
    make_group(registry, name="nobodys")
    apply(registry, group("a"), group("b"), owner="ours")

    told = apply(registry, group("b"), group("c"), owner="ours", prune=True)

    assert outcomes(told) == {"a": "pruned", "b": "unchanged", "c": "created"}
    assert names(registry) == ["b", "c", "nobodys", "theirs"]
    assert_problem(apply(registry, group("theirs"), owner="ours"), 409, "groups.0.name", "theirs")
    assert_problem(apply(registry, prune=True), 422, "prune", "name the owner")
    other = group("d", owner="theirs")
    assert_problem(apply(registry, other, owner="ours"), 422, "groups", "theirs")


def test_a_dry_run_tells_all_and_changes_nothing(registry: RunningRegistry) -> None:
    apply(registry, group("a"), owner="ours")
    before = everything(registry)

    told = apply(registry, group("b"), owner="ours", prune=True, dry_run=True)

    assert outcomes(told) == {"b": "created", "a": "pruned"}
    assert all(each["diff"] for each in told.json()["groups"])
    assert everything(registry) == before


def test_one_group_that_does_not_hold_keeps_all_from_being_written(
    registry: RunningRegistry,
) -> None:
    make_group(registry, name="theirs", owner="theirs")
    before = everything(registry)

    wrong = apply(registry, group("a"), group("b", rule(expr="")))
    taken = apply(registry, group("a"), group("theirs"), owner="ours")
    twice = apply(registry, group("a"), group("a"))

    assert_problem(wrong, 422, "groups.1.rules.0.expr")
    assert_problem(taken, 409, "groups.1.name")
    assert_problem(twice, 422, "groups", "'a' twice")
    assert everything(registry) == before


def test_many_rules_are_applied_at_once_and_are_in_the_bundle(registry: RunningRegistry) -> None:
    note = {"summary": "{{ $labels.agent }} is slow " + "x" * 200, "runbook_url": "https://a.b/c"}
    rules = [rule(f"Rule{number}", annotations=note) for number in range(10)]
    groups = [group(f"group {number}", *rules, interval="30s") for number in range(MANY)]

    began = time.monotonic()
    answer = apply(registry, *groups)
    seconds = time.monotonic() - began

    assert set(outcomes(answer).values()) == {"created"}
    assert seconds < 5
    eventually(lambda: len(registry.get("/api/v1/rules/bundle").json()["groups"]) == MANY)
    groups[7]["rules"][3] = rule("Rule3", expr="vector(7)")
    again = outcomes(apply(registry, *groups))
    assert [name for name, outcome in again.items() if outcome != "unchanged"] == ["group 7"]
