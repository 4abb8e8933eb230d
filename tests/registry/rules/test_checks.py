"""Checks of rules hold up nobody, and none takes longer than a caller waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from pulseguard_registry.rules.checking.known_names import catalogue_names
from pulseguard_registry.rules.findings import find_in_rule
from pulseguard_registry.rules.vocabulary import Rule, RuleGroup
from tests.registry.problems import assert_problem
from tests.registry.rule_groups import GROUPS, RULES, make_group, rule
from tests.registry.running import RunningRegistry

HEAVY = "+".join(["up"] * 200)


@pytest.fixture
def registry(shared_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these, without any group."""
    shared_registry.execute("DELETE FROM rule_groups; DELETE FROM rule_revisions")
    return shared_registry


@contextmanager
def somebody_changes_rules(registry: RunningRegistry) -> Iterator[None]:
    """Whoever changes some now waits for a turn."""
    with psycopg.connect(registry.database_url) as connection:
        connection.execute("SELECT value FROM versions WHERE name = 'rules' FOR UPDATE")
        yield


def test_what_does_not_hold_is_refused_without_a_turn(registry: RunningRegistry) -> None:
    made = make_group(registry)
    registry.execute(
        "UPDATE rule_revisions SET document = jsonb_set(document, '{rules,0,expr}', '\"up ==\"')"
    )
    wrong = rule("Wrong", expr="up ==")
    headers = registry.bearer(None) | {"If-Match": "*"}
    path = f"{RULES}/{made['rules'][0]['id']}"

    with somebody_changes_rules(registry):
        added = registry.post(RULES, {"group_id": made["id"], **wrong})
        changed = registry.client.put(path, json=wrong, headers=headers)
        back = registry.post(f"{GROUPS}/{made['id']}/rollback", {"revision": 1})

    assert_problem(added, 422, "expr")
    assert_problem(changed, 422, "expr")
    assert_problem(back, 422, "rules.0.expr")


def test_a_rule_is_checked_without_looking_into_the_others() -> None:
    others = [Rule("alert", f"R{number}", HEAVY) for number in range(100)]
    group = RuleGroup("agents", (Rule("alert", "Mine", "a:b:c > 0"), *others))
    recorded = Rule("record", "a:b:c", "up")

    began = time.thread_time()
    alone = find_in_rule(group, 0, catalogue_names())
    seconds = time.thread_time() - began

    assert seconds < 0.2
    assert "expr" in {each.field for each in alone}
    both = RuleGroup("agents", (group.rules[0], recorded))
    assert "expr" not in {each.field for each in find_in_rule(both, 0, catalogue_names())}
