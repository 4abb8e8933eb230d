"""Which receiver took a test alert: judged by what Alertmanager counts, of whichever version."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pulseguard_registry.alertmanager.client import AlertmanagerUnavailable
from pulseguard_registry.alertmanager.notifications import Count, read_counts, since
from pulseguard_registry.alerts.verdict import judge, of_people, reached

NOW = datetime(2026, 11, 28, tzinfo=UTC)
BY_INTEGRATION = """
# TYPE alertmanager_notifications_total counter
alertmanager_notifications_total{integration="slack"} 99
# TYPE alertmanager_notification_requests_total counter
alertmanager_notification_requests_total{integration="slack"} 7
alertmanager_notification_requests_total{integration="webhook"} 41
# TYPE alertmanager_notification_requests_failed_total counter
alertmanager_notification_requests_failed_total{integration="slack"} 2
# TYPE alertmanager_notifications_failed_total counter
alertmanager_notifications_failed_total{integration="slack"} 1
alertmanager_build_info{version="0.25.0"} 1
"""
BY_RECEIVER = """
alertmanager_notification_requests_total{integration="webhook",receiver_name="ops"} 3
alertmanager_notifications_failed_total{integration="webhook",reason="a",receiver_name="ops"} 1
alertmanager_notifications_failed_total{integration="webhook",reason="b",receiver_name="ops"} 1
"""


def states(names: list[str], *counts: Count) -> dict[str, tuple[str, str]]:
    """State and evidence of each of these receivers."""
    return {each.receiver: (each.state, each.rests_on) for each in judge(names, NOW, counts)}


def test_counts_are_read_with_and_without_the_name_of_the_receiver() -> None:
    assert read_counts(BY_INTEGRATION) == [
        Count(integration="slack", requests=7, refused=2, failed=1),
        Count(integration="webhook", requests=41),
    ]
    assert read_counts(BY_RECEIVER) == [
        Count(receiver="ops", integration="webhook", requests=3, failed=2)
    ]
    assert read_counts("") == []


@pytest.mark.parametrize("text", ["{", 'x{integration="slack"', "} nan"])
def test_what_is_no_count_is_refused(text: str) -> None:
    with pytest.raises(AlertmanagerUnavailable):
        read_counts(f"alertmanager_notifications_failed_total{text}")


def test_only_what_was_counted_since_counts_and_all_of_it_after_a_restart() -> None:
    before = [Count(integration="slack", requests=7, refused=2)]

    assert since(before, [Count(integration="slack", requests=9, refused=2)]) == [
        Count(integration="slack", requests=2)
    ]
    begun_anew = [Count(integration="slack", requests=1), Count(integration="email", requests=1)]
    assert since(before, begun_anew) == begun_anew


def test_a_receiver_is_judged_by_its_own_counts_where_there_are_such() -> None:
    own = Count(receiver="ops", integration="webhook", requests=1)
    another = Count(receiver="other", integration="webhook", requests=1, refused=1, failed=1)

    told = states(["registry", "ops", "other", "deadman"], own, another)

    assert told == {
        "registry": ("took", "webhook"),
        "ops": ("took", "receiver"),
        "other": ("failed", "receiver"),
    }


def test_else_by_those_of_its_kind() -> None:
    counts = [
        Count(integration="slack", requests=1),
        Count(integration="email", requests=1, refused=1, failed=1),
        # Refused, and tried again.
        Count(integration="pagerduty", requests=2, refused=2),
    ]

    assert states(["slack/finance", "email", "pagerduty", "webhook", "ops"], *counts) == {
        "registry": ("took", "webhook"),
        "slack/finance": ("took", "integration"),
        "email": ("failed", "integration"),
        "pagerduty": ("waiting", "integration"),
        "webhook": ("unknown", "none"),
        "ops": ("unknown", "none"),
    }


@pytest.mark.parametrize(
    ("count", "state"),
    [
        ({"requests": 2}, "took"),
        ({"requests": 1}, "waiting"),
        ({"requests": 2, "refused": 1, "failed": 1}, "unknown"),
        ({"requests": 2, "refused": 2, "failed": 2}, "failed"),
    ],
)
def test_one_of_two_that_are_counted_together_does_not_stand_for_both(
    count: dict[str, int], state: str
) -> None:
    told = states(["slack", "slack/finance"], Count(integration="slack", **count))

    assert {told["slack"][0], told["slack/finance"][0]} == {state}


def test_of_webhooks_what_the_registry_took_itself_is_left_out() -> None:
    three = [Count(integration="webhook", requests=3)]

    def taken(told: int) -> int:
        (count,) = of_people(three, told, has_deadman=False)
        return count.taken

    assert [taken(told) for told in (2, 3, 4)] == [1, 0, 0]
    assert of_people(three, 2, has_deadman=True) == []


def test_a_registry_that_was_not_told_yet_is_waited_for() -> None:
    receivers = judge(["registry"], None, [])

    assert [each.state for each in receivers] == ["waiting"]
    assert reached(receivers) is None
    assert reached(judge(["registry"], NOW, [])) is False
