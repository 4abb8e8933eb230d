"""A test of the way to people: a marked alert is sent, and it is told which receiver took it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, Field
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from pulseguard_registry.alertmanager.client import Alertmanager, AlertmanagerUnavailable
from pulseguard_registry.alertmanager.notifications import Count, read_counts, since
from pulseguard_registry.alerts.marks import TEST, TEST_ID
from pulseguard_registry.alerts.models import Alert, AlertTest
from pulseguard_registry.alerts.receivers import DEADMAN, NO_ALERTMANAGER
from pulseguard_registry.alerts.verdict import Taken, judge, of_people, reached, summary
from pulseguard_registry.problems import Problem

# Longer than Alertmanager waits for more of a group before it tells people, 30 s.
_LASTS: Final = timedelta(minutes=2)
_NONE: Final = "No test alert was sent within a day: POST /api/v1/alerts/test sends one."
_NOT_ROUTED: Final = "Alertmanager has not taken it yet."
_OVER: Final = (
    "It is over, and nobody asked what became of it while it lasted: send another one, and ask"
    " within two minutes."
)
_TOLD = text("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM notifications_told")


class SentAlertTest(BaseModel):
    """A test alert that was sent."""

    test_id: uuid.UUID | None = Field(description="Null where it could not be sent.")
    sentence: str


class AlertTestResult(BaseModel):
    """What became of a test alert."""

    test_id: uuid.UUID | None = Field(description="Null where none was sent.")
    sent_at: datetime | None
    judged_at: datetime | None = Field(
        description="When Alertmanager was asked last while it had this alert: what became of it"
        " is kept. Null where it never was."
    )
    reached: bool | None = Field(
        description="Whether a receiver that is not the registry's own took it; null while that is"
        " not known."
    )
    receivers: list[Taken] = Field(description="Those to which Alertmanager routes it.")
    sentence: str


@dataclass(frozen=True)
class Sending:
    """A test alert that was sent, or the sentence that says why not; `before` is what Alertmanager
    had counted until then."""

    test_id: uuid.UUID | None
    sentence: str
    before: Sequence[Count] = ()


@dataclass(frozen=True)
class Look:
    """What Alertmanager says of a test alert: to whom it routes it, what it has counted; nothing
    but the trouble where it does not answer."""

    trouble: str = ""
    routed: Sequence[str] = ()
    counts: Sequence[Count] = field(default_factory=list)
    has_deadman: bool = False


def read_told(session: Session) -> int:
    """How many notifications the registry has answered by now, or more: never fewer."""
    return int(session.execute(_TOLD).scalar_one())


def send_test(alertmanager: Alertmanager | None, by: str) -> Sending:
    """Send a test alert; it ends by itself."""
    if alertmanager is None:
        return Sending(None, NO_ALERTMANAGER)
    test_id = uuid.uuid4()
    try:
        metrics, clock = alertmanager.metrics()
        before = read_counts(metrics)
        alertmanager.send_alert(_alert(test_id, clock.now(), by))
    except AlertmanagerUnavailable as error:
        return Sending(None, f"{error}.")
    sentence = (
        f"Sent: GET /api/v1/alerts/test?test_id={test_id} says who took it. Alertmanager tells the"
        " registry at once, and people about 30 s later, where it groups alerts for them."
    )
    return Sending(test_id, sentence, before)


def keep_test(session: Session, sending: Sending, told: int) -> SentAlertTest:
    """Keep what was sent; `told` is how many notifications the registry had answered before."""
    if sending.test_id is not None:
        before = [count.model_dump() for count in sending.before]
        session.add(AlertTest(id=sending.test_id, before=before, told_before=told))
        session.flush()
    return SentAlertTest(test_id=sending.test_id, sentence=sending.sentence)


def find_test(session: Session, test_id: uuid.UUID | None) -> AlertTest | None:
    """This test alert, or the last one; a 404 problem where it is not known."""
    query = select(AlertTest).order_by(AlertTest.sent_at.desc()).limit(1)
    test = session.scalars(
        query if test_id is None else query.where(AlertTest.id == test_id)
    ).first()
    if test is None and test_id is not None:
        raise Problem(404, f"no test alert {test_id} was sent within a day; send another one")
    return test


def look(alertmanager: Alertmanager | None, test_id: uuid.UUID) -> Look:
    """Ask Alertmanager about this test alert."""
    if alertmanager is None:
        return Look(trouble=NO_ALERTMANAGER.rstrip("."))
    try:
        return Look(
            routed=alertmanager.routed_to(TEST_ID, str(test_id)),
            counts=read_counts(alertmanager.metrics()[0]),
            has_deadman=DEADMAN in alertmanager.receivers(),
        )
    except AlertmanagerUnavailable as error:
        return Look(trouble=str(error))


def conclude(session: Session, test_id: uuid.UUID, seen: Look) -> AlertTestResult:
    """What became of this test alert; kept, for Alertmanager forgets it when it is over."""
    test = session.get_one(AlertTest, test_id)
    now = session.execute(select(func.now())).scalar_one()
    told_at = _told_at(session, test_id)
    if seen.routed:
        # Asked after Alertmanager was: what it has counted of the registry is in this number.
        told = read_told(session) - test.told_before
        before = [Count.model_validate(each) for each in test.before]
        counts = of_people(since(before, seen.counts), told, has_deadman=seen.has_deadman)
        receivers = judge(seen.routed, told_at, counts)
        result = _result(test, receivers, reached(receivers), summary(receivers), now)
        test.verdict = result.model_dump(mode="json")
        return result
    trouble = f"{seen.trouble}. " if seen.trouble else ""
    if test.verdict is not None:
        kept = AlertTestResult.model_validate(test.verdict)
        return kept.model_copy(update={"sentence": f"{trouble}{kept.sentence}"})
    is_over = now - test.sent_at > _LASTS
    sentence = trouble.rstrip() or (_OVER if is_over else _NOT_ROUTED)
    return _result(test, judge([], told_at, []), None, sentence, None)


def none_sent() -> AlertTestResult:
    """Where there is no test alert."""
    return AlertTestResult(
        test_id=None, sent_at=None, judged_at=None, reached=None, receivers=[], sentence=_NONE
    )


def _result(
    test: AlertTest,
    receivers: list[Taken],
    is_reached: bool | None,
    sentence: str,
    judged_at: datetime | None,
) -> AlertTestResult:
    return AlertTestResult(
        test_id=test.id,
        sent_at=test.sent_at,
        judged_at=judged_at,
        reached=is_reached,
        receivers=receivers,
        sentence=sentence,
    )


def _told_at(session: Session, test_id: uuid.UUID) -> datetime | None:
    return session.scalars(
        select(Alert.received_at).where(
            Alert.alertname == TEST, Alert.labels[TEST_ID].astext == str(test_id)
        )
    ).first()


def _alert(test_id: uuid.UUID, now: datetime, by: str) -> dict[str, object]:
    return {
        "labels": {
            "alertname": TEST,
            "severity": "info",
            "test": "true",
            TEST_ID: str(test_id),
        },
        "annotations": {
            "summary": "A test of the way that alerts take: nothing is wrong.",
            "description": f"Sent by {by}. It ends by itself within two minutes.",
        },
        # An alert without a beginning begins when it ends. What tells whole seconds is rounded up.
        "startsAt": (now - timedelta(seconds=1)).isoformat(timespec="milliseconds"),
        "endsAt": (now + _LASTS).isoformat(timespec="milliseconds"),
    }
