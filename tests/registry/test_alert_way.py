"""Which receiver took a test alert: judged by what Alertmanager counts, of whichever version."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pulseguard_registry.alertmanager.client import AlertmanagerUnavailable
from pulseguard_registry.alertmanager.notifications import Count, read_counts, since
from pulseguard_registry.alerts.way import judge

NOW = datetime(2026, 11, 28, tzinfo=UTC)
BY_INTEGRATION = """
# HELP alertmanager_notifications_total The total number of attempted notifications.
# TYPE alertmanager_notifications_total counter
alertmanager_notifications_total{integration="slack"} 7
alertmanager_notifications_total{integration="webhook"} 41
# TYPE alertmanager_notifications_failed_total counter
alertmanager_notifications_failed_total{integration="slack"} 2
alertmanager_build_info{version="0.25.0"} 1
"""
BY_RECEIVER = """
alertmanager_notifications_total{integration="webhook",receiver_name="ops"} 3
alertmanager_notifications_failed_total{integration="webhook",reason="a",receiver_name="ops"} 1
alertmanager_notifications_failed_total{integration="webhook",reason="b",receiver_name="ops"} 1
"""


def states(names: list[str], *counts: Count) -> dict[str, tuple[str, str]]:
    """State and evidence of each of these receivers."""
    return {each.receiver: (each.state, each.rests_on) for each in judge(names, NOW, counts)}


def test_counts_are_read_with_and_without_the_name_of_the_receiver() -> None:
    assert read_counts(BY_INTEGRATION) == [
        Count(integration="slack", tried=7, failed=2),
        Count(integration="webhook", tried=41),
    ]
    assert read_counts(BY_RECEIVER) == [
        Count(receiver="ops", integration="webhook", tried=3, failed=2)
    ]
    assert read_counts("") == []


@pytest.mark.parametrize("text", ["{", 'x{integration="slack"', "} nan"])
def test_what_is_no_count_is_refused(text: str) -> None:
    with pytest.raises(AlertmanagerUnavailable):
        read_counts(f"alertmanager_notifications_total{text}")


def test_only_what_was_counted_since_counts_and_all_of_it_after_a_restart() -> None:
    before = [Count(integration="slack", tried=7, failed=2)]

    assert since(before, [Count(integration="slack", tried=9, failed=2)]) == [
        Count(integration="slack", tried=2)
    ]
    begun_anew = [Count(integration="slack", tried=1), Count(integration="email", tried=1)]
    assert since(before, begun_anew) == begun_anew


def test_a_receiver_is_judged_by_its_own_counts_where_there_are_such() -> None:
    own = Count(receiver="ops", integration="webhook", tried=1)
    another = Count(receiver="other", integration="webhook", tried=1, failed=1)

    told = states(["registry", "ops", "other", "deadman"], own, another)

    assert told == {
        "registry": ("took", "webhook"),
        "ops": ("took", "receiver"),
        "other": ("failed", "receiver"),
    }


def test_else_by_those_of_its_kind_unless_the_registry_is_of_that_kind() -> None:
    counts = [
        Count(integration="slack", tried=1),
        Count(integration="email", tried=1, failed=1),
        Count(integration="pagerduty"),
        Count(integration="webhook", tried=9),
    ]

    assert states(["slack-finance", "email", "pagerduty", "webhook", "ops"], *counts) == {
        "registry": ("took", "webhook"),
        "slack-finance": ("took", "integration"),
        "email": ("failed", "integration"),
        "pagerduty": ("waiting", "integration"),
        "webhook": ("unknown", "none"),
        "ops": ("unknown", "none"),
    }


def test_a_registry_that_was_not_told_yet_is_waited_for() -> None:
    (registry,) = judge([], None, [])

    assert registry.state == "waiting"
