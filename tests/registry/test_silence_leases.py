"""What becomes of silences: decided by what there is, what there should be, and the time."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pulseguard_registry.alertmanager.lease import (
    CREATED_BY,
    EXTENDED_BELOW,
    LEASE,
    Silence,
    Work,
    decide,
)

NOW = datetime(2026, 11, 28, 10, tzinfo=UTC)
AGENT, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
SHORT = timedelta(seconds=5)


def held(silence_id: str, agent_id: uuid.UUID, left: timedelta, comment: str = "") -> Silence:
    """A silence that ends so long from now."""
    return Silence(silence_id, agent_id, NOW - SHORT, NOW + left, comment)


def test_a_lease_is_never_longer_than_the_work() -> None:
    for remaining, length in ((timedelta(days=1), LEASE), (SHORT, SHORT)):
        (made,) = decide([Work(AGENT, remaining, "")], [], {AGENT}, NOW).leases
        told = made.told(NOW)
        assert datetime.fromisoformat(told["endsAt"]) == NOW + length
        assert "id" not in told
    work = Work(AGENT, timedelta(minutes=1), "")
    (shortened,) = decide([work], [held("a", AGENT, LEASE)], {AGENT}, NOW).leases
    assert shortened.told(NOW)["id"] == "a"
    assert datetime.fromisoformat(shortened.told(NOW)["endsAt"]) == NOW + timedelta(minutes=1)


def test_what_lasts_long_enough_is_left_as_it_is() -> None:
    for left in (LEASE, EXTENDED_BELOW):
        plan = decide([Work(AGENT, timedelta(days=1), "")], [held("a", AGENT, left)], {AGENT}, NOW)
        assert (plan.leases, plan.over, plan.kept) == ([], [], {AGENT: left})
    # Nothing is longer than the work itself.
    end = decide([Work(AGENT, SHORT, "")], [held("a", AGENT, SHORT)], {AGENT}, NOW)
    assert end.leases == []


def test_another_reason_or_end_is_told() -> None:
    work = Work(AGENT, timedelta(days=1), "new")
    (changed,) = decide([work], [held("a", AGENT, LEASE, "old")], {AGENT}, NOW).leases

    assert [changed.told(NOW)["id"], changed.told(NOW)["comment"]] == ["a", "new"]


def test_of_several_the_longest_stays_and_others_silences_are_not_ended() -> None:
    works = [Work(AGENT, timedelta(days=1), "")]
    there = [held("a", AGENT, LEASE / 2), held("b", AGENT, LEASE), held("c", OTHER, LEASE)]

    assert decide(works, there, {AGENT}, NOW).over == ["a"]
    assert decide(works, there, {AGENT, OTHER}, NOW).over == ["a", "c"]


@pytest.mark.parametrize(
    "changed",
    [
        {"createdBy": "somebody"},
        {"matchers": [{"name": "agent_id", "value": str(AGENT), "isRegex": True}]},
        {
            "matchers": [
                {"name": "agent_id", "value": str(AGENT), "isRegex": False, "isEqual": False}
            ]
        },
        {"matchers": [{"name": "agent", "value": str(AGENT), "isRegex": False}]},
        {"matchers": [{"name": "agent_id", "value": "bot", "isRegex": False}]},
        {"matchers": []},
        {"matchers": None},
        {"status": {"state": "expired"}},
        {"startsAt": None},
        {"endsAt": "tomorrow"},
        {"endsAt": "2026-11-28T10:00:00"},
        {"status": "active"},
        {"matchers": ["agent_id"]},
        {"matchers": [{"name": "agent_id", "value": 1, "isRegex": False}]},
    ],
    ids=str,
)
def test_what_is_not_ours_is_no_silence_of_ours(changed: dict[str, Any]) -> None:
    matcher = {"name": "agent_id", "value": str(AGENT), "isRegex": False}
    ours = {
        "id": "a",
        "createdBy": CREATED_BY,
        "matchers": [matcher],
        "startsAt": NOW.isoformat(),
        "endsAt": (NOW + LEASE).isoformat(),
        "status": {"state": "active"},
    }

    assert Silence.of(ours) is not None
    assert Silence.of(ours | changed) is None
