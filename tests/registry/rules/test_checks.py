"""Checks of rules hold up nobody, and none takes longer than a caller waits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from pulseguard_registry.problems import Problem
from pulseguard_registry.rules.check_room import LIGHT, CheckRoom
from pulseguard_registry.rules.checking.known_names import catalogue_names
from pulseguard_registry.rules.findings import find_in_rule
from pulseguard_registry.rules.vocabulary import Rule, RuleGroup
from tests.registry.problems import assert_problem
from tests.registry.rule_groups import GROUPS, RULES, group, make_group, rule
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


def test_what_would_be_checked_for_too_long_is_refused_at_once(registry: RunningRegistry) -> None:
    heavy = group("heavy", *(rule(f"R{number}", expr=HEAVY) for number in range(400)))
    began = time.monotonic()

    alone = registry.post(f"{GROUPS}/check", heavy)
    made = registry.post(GROUPS, heavy)
    parts = [{**heavy, "name": name, "rules": heavy["rules"][:100]} for name in "abcd"]
    applied = registry.post(f"{GROUPS}/apply", {"groups": parts, "dry_run": True})

    assert time.monotonic() - began < 2
    assert_problem(alone, 422, "rules", "in parts")
    assert_problem(made, 422, "rules", "in parts")
    assert_problem(applied, 422, "groups", "in parts")


def test_a_few_heavy_checks_are_made_at_once_and_light_ones_always() -> None:
    async def check() -> None:
        room, due = CheckRoom(), time.monotonic() + 4.5
        async with room.take(LIGHT + 1, due), room.take(LIGHT + 1, due):
            async with room.take(LIGHT, due):
                pass
            with pytest.raises(Problem, match="under way") as refused:
                async with room.take(LIGHT + 1, time.monotonic() + 0.1):
                    pass
        async with room.take(LIGHT + 1, due):
            assert refused.value.status_code == 503

    asyncio.run(check())


def test_a_rule_is_checked_without_looking_into_the_others() -> None:
    others = [Rule("alert", f"R{number}", HEAVY) for number in range(100)]
    heavy = RuleGroup("agents", (Rule("alert", "Mine", "a:b:c > 0"), *others))
    recorded = Rule("record", "a:b:c", "up")

    began = time.thread_time()
    alone = find_in_rule(heavy, 0, catalogue_names())
    seconds = time.thread_time() - began

    assert seconds < 0.2
    assert "expr" in {each.field for each in alone}
    both = RuleGroup("agents", (heavy.rules[0], recorded))
    assert "expr" not in {each.field for each in find_in_rule(both, 0, catalogue_names())}
