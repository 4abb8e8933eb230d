"""Rules whose form does not hold are refused for what they mean as well."""

from __future__ import annotations

from typing import Any

import pytest

from tests.registry.rule_groups import GROUPS, RULES, group, rule
from tests.registry.running import RunningRegistry

NOWHERE = "00000000-0000-0000-0000-000000000000"
WRONG = rule(expr="up ==", annotations={"a": "{{ a }}"}) | {"for": "5 minutes"}


@pytest.mark.parametrize(
    ("path", "body", "prefix"),
    [
        (RULES, {"group_id": NOWHERE, **WRONG}, ""),
        (f"{RULES}/check", WRONG, ""),
        (GROUPS, group("", WRONG), "rules.0."),
        (
            f"{GROUPS}/apply",
            {"groups": [group("a"), {"name": "b", "rules": [1, WRONG]}]},
            "groups.1.rules.1.",
        ),
    ],
)
def test_form_and_meaning_of_a_rule_are_refused_at_once(
    shared_registry: RunningRegistry, path: str, body: Any, prefix: str
) -> None:
    answer = shared_registry.post(path, body)

    told = [each["field"] for each in answer.json()["errors"]]
    assert answer.status_code == 422
    assert len(told) == len(set(told))
    assert {prefix + field for field in ("for", "expr", "annotations.a")} <= set(told)


def test_heavy_rules_whose_form_does_not_hold_are_not_looked_at(
    shared_registry: RunningRegistry,
) -> None:
    heavy = [rule(f"a{n}", expr="+".join(["1"] * 201) + "+") for n in range(60)]

    answer = shared_registry.post(f"{GROUPS}/check", group("", *heavy))

    assert [each["field"] for each in answer.json()["errors"]] == ["name"]


@pytest.mark.parametrize("body", [1, [], {"rules": 1}, {"groups": [1, {"rules": [None]}]}])
def test_a_body_without_rules_is_refused_for_its_form(
    shared_registry: RunningRegistry, body: Any
) -> None:
    assert shared_registry.post(f"{GROUPS}/check", body).status_code == 422
