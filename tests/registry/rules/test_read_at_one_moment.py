"""What is answered of rules is of one moment, whatever is changed while it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from tests.registry.rule_groups import GROUPS, RULES, make_group, rule
from tests.registry.running import RunningRegistry


@pytest.fixture
def registry(shared_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these, without any group."""
    shared_registry.execute("DELETE FROM rule_groups; DELETE FROM rule_revisions")
    return shared_registry


@contextmanager
def after_first_read(registry: RunningRegistry, change: Callable[[], object]) -> Iterator[None]:
    """Somebody makes this change once the next answer has read something of groups."""
    engine, left = registry.app.state.database.engine, [change]

    def interfere(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if left and ("JOIN rule_groups" in statement or "FROM rule_groups" in statement):
            left.pop()()

    event.listen(engine, "after_cursor_execute", interfere)
    try:
        yield
    finally:
        event.remove(engine, "after_cursor_execute", interfere)
    assert not left


def test_a_list_of_rules_is_answered_while_a_group_and_a_rule_of_it_are_deleted(
    registry: RunningRegistry,
) -> None:
    gone, torn = make_group(registry, name="gone"), make_group(registry, rule("A"), rule("B"))
    change = f"""
        DELETE FROM rule_groups WHERE id = '{gone["id"]}';
        DELETE FROM alert_rules WHERE id = '{torn["rules"][0]["id"]}'
    """

    with after_first_read(registry, lambda: registry.execute(change)):
        answer = registry.get(RULES)

    assert answer.status_code == 200, answer.text
    assert sorted(each["name"] for each in answer.json()["items"]) == ["A", "B", "Slow"]


@pytest.mark.parametrize("is_list", [False, True])
def test_a_group_has_the_rules_of_the_revision_that_is_told_of_it(
    registry: RunningRegistry, is_list: bool
) -> None:
    made = make_group(registry)
    path = GROUPS if is_list else f"{GROUPS}/{made['id']}"
    change = "UPDATE alert_rules SET revision = 2; UPDATE rule_groups SET revision = 2"

    with after_first_read(registry, lambda: registry.execute(change)):
        told = registry.get(path).json()

    told = told["items"][0] if is_list else told
    assert [told["revision"], told["rules"][0]["revision"]] == [1, 1]
