"""What the registry's metrics tell of groups of rules."""

from __future__ import annotations

import pytest

from pulseguard_registry.rules.loading import STATES
from tests.registry.rule_groups import GROUPS, make_group, tell
from tests.registry.running import RunningRegistry


@pytest.fixture
def registry(shared_registry: RunningRegistry) -> RunningRegistry:
    """One registry for all of these, without any group or report."""
    shared_registry.execute(
        "DELETE FROM rule_groups; DELETE FROM rule_revisions; DELETE FROM rule_syncs"
    )
    return shared_registry


def gauges(registry: RunningRegistry) -> dict[str, float]:
    """What is told of groups of rules, by the metric's name without its prefix."""
    lines = registry.get("/metrics/agents").text.splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if "rule" in line and line[0] != "#")
    return {name.removeprefix("pulseguard_registry_"): float(value) for name, value in pairs}


def pending_seconds(registry: RunningRegistry) -> float:
    """For how long a group is said to be pending."""
    return gauges(registry)["rules_pending_seconds"]


def test_how_far_groups_are_is_a_metric(registry: RunningRegistry) -> None:
    assert set(gauges(registry).values()) == {0}
    one, two, _ = (make_group(registry, name=name)["id"] for name in "abc")
    loads = {one: {"loaded": 1}, two: {"rejected": 1, "reason": "no"}}
    registry.execute("UPDATE rule_groups SET changed_at = now() - interval '3 min'")
    assert pending_seconds(registry) == 0

    tell(registry, 3, loads)
    found = gauges(registry)

    assert [found[f'rule_groups{{state="{state}"}}'] for state in STATES] == [1, 1, 1]
    assert found["rules_pending_seconds"] < 10
    registry.execute("UPDATE rule_syncs SET told_since = now() - interval '2 min'")
    tell(registry, 3, loads)
    assert 120 <= pending_seconds(registry) < 130


def test_what_was_loaded_is_not_pending_for_the_silence_of_who_told_it(
    registry: RunningRegistry,
) -> None:
    made = make_group(registry)
    tell(registry, 1, {made["id"]: {"loaded": 1}})
    registry.execute("UPDATE rule_groups SET changed_at = 'epoch'")
    registry.execute(
        "UPDATE rule_syncs SET told_at = told_at - interval '5 min', told_since = 'epoch'"
    )

    assert pending_seconds(registry) == 0
    registry.post(f"{GROUPS}/{made['id']}/disable", None)
    registry.execute("UPDATE rule_groups SET changed_at = now() - interval '3 min'")
    assert 180 <= pending_seconds(registry) < 190
    tell(registry, 1, {})
    assert pending_seconds(registry) < 10
