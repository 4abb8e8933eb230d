"""How soon a change of one group is loaded, among many."""

import os
import time

import pytest

from tests.prometheus.publication.rules_registry import group_text

pytestmark = pytest.mark.alone

GROUPS = 200 if os.environ.get("PULSEGUARD_TEST_LONG") else 20


def test_a_change_of_one_group_among_many_is_loaded_within_five_seconds(side):
    for number in range(GROUPS):
        side.registry.put(f"group_{number}", many_rules(number, above=0))
    with side.sync() as sync:
        sync.run_once()
        side.registry.put("group_7", many_rules(7, above=1))
        began = time.monotonic()
        sync.run_once()
        assert time.monotonic() - began < 5

    assert side.registry.loaded("group_7") == 2
    assert len(side.registry.reports[-1]["groups"]) == GROUPS


def many_rules(number: int, above: int) -> str:
    """The file of a group of ten alerts, as people write them."""
    alerts = [
        f'alert: Slow{n}|expr: \'sum by (job) (rate(x_total{{team="{number}", job="{n}"}}[5m]))'
        f" > {above}'|for: 5m|labels: {{severity: warning}}|annotations: {{summary: slow}}"
        for n in range(10)
    ]
    return group_text(f"group_{number}", *alerts, fields=["interval: 1m"])
