"""A test of the way to people: a marked alert is sent, and it is told which receiver took it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from pulseguard_registry.alertmanager.client import Alertmanager, AlertmanagerUnavailable
from pulseguard_registry.alertmanager.notifications import Count, read_counts, since
from pulseguard_registry.alerts.marks import TEST, TEST_ID
from pulseguard_registry.alerts.models import Alert, AlertTest
from pulseguard_registry.alerts.receivers import DEADMAN, NO_ALERTMANAGER, REGISTRY
from pulseguard_registry.problems import Problem

# Longer than Alertmanager waits for more of a group before it tells people, 30 s.
_LASTS: Final = timedelta(minutes=2)
_NONE: Final = "No test alert was sent within a day: POST /api/v1/alerts/test sends one."

Evidence = Literal["webhook", "receiver", "integration", "none"]


class SentAlertTest(BaseModel):
    """A test alert that was sent."""

    test_id: uuid.UUID | None = Field(description="Null where it could not be sent.")
    sentence: str


class Taken(BaseModel):
    """What became of a test alert at one receiver."""

    receiver: str
    state: Literal["took", "failed", "waiting", "unknown"]
    rests_on: Evidence = Field(
        description="`webhook`: the registry was told of this very alert. `receiver`: Alertmanager"
        " counts what this receiver took. `integration`: it counts for all receivers of this kind"
        " together, so that another alert of the same moment looks the same. `none`: nothing tells."
    )
    sentence: str


class AlertTestResult(BaseModel):
    """What became of a test alert."""

    test_id: uuid.UUID | None = Field(description="Null where none was sent.")
    sent_at: datetime | None
    reached: bool | None = Field(
        description="Whether a receiver that is not the registry's own took it; null while that is"
        " not known."
    )
    receivers: list[Taken] = Field(description="Those to which Alertmanager routes it.")
    sentence: str


def send_test(session: Session, alertmanager: Alertmanager | None, by: str) -> SentAlertTest:
    """Send a test alert, and keep what Alertmanager had counted until then. It ends by itself."""
    if alertmanager is None:
        return SentAlertTest(test_id=None, sentence=NO_ALERTMANAGER)
    test_id = uuid.uuid4()
    try:
        metrics, clock = alertmanager.metrics()
        before = read_counts(metrics)
        ends_at = (clock.now() + _LASTS).isoformat(timespec="milliseconds")
        alertmanager.send_alert(_alert(test_id, ends_at, by))
    except AlertmanagerUnavailable as error:
        return SentAlertTest(test_id=None, sentence=f"{error}.")
    session.add(AlertTest(id=test_id, before=[count.model_dump() for count in before]))
    session.flush()
    sentence = (
        f"Sent: GET /api/v1/alerts/test?test_id={test_id} says who took it. Alertmanager tells the"
        " registry at once, and people about 30 s later, where it groups alerts for them."
    )
    return SentAlertTest(test_id=test_id, sentence=sentence)


def read_test(
    session: Session, alertmanager: Alertmanager | None, test_id: uuid.UUID | None
) -> AlertTestResult:
    """What became of this test alert, or of the last one; a 404 problem where it is not known."""
    query = select(AlertTest).order_by(AlertTest.sent_at.desc()).limit(1)
    test = session.scalars(
        query if test_id is None else query.where(AlertTest.id == test_id)
    ).first()
    if test is None and test_id is not None:
        raise Problem(404, f"no test alert {test_id} was sent within a day; send another one")
    if test is None:
        return AlertTestResult(
            test_id=None, sent_at=None, reached=None, receivers=[], sentence=_NONE
        )
    told_at = _told_at(session, test.id)
    before = [Count.model_validate(each) for each in test.before or ()]
    reached: bool | None = None
    try:
        if alertmanager is None:
            raise AlertmanagerUnavailable(NO_ALERTMANAGER.rstrip("."))
        routed = alertmanager.routed_to(TEST_ID, str(test.id))
        counts = since(before, read_counts(alertmanager.metrics()[0]))
        receivers = judge(routed, told_at, counts)
        reached = _reached(receivers) if routed else None
        sentence = _summary(receivers)
    except AlertmanagerUnavailable as error:
        receivers, sentence = judge([], told_at, []), f"{error}."
    return AlertTestResult(
        test_id=test.id,
        sent_at=test.sent_at,
        reached=reached,
        receivers=receivers,
        sentence=sentence,
    )


def _reached(receivers: Sequence[Taken]) -> bool | None:
    states = {each.state for each in receivers if each.receiver != REGISTRY}
    if "took" in states:
        return True
    return None if states & {"waiting", "unknown"} else False


def judge(routed: Sequence[str], told_at: datetime | None, counts: Sequence[Count]) -> list[Taken]:
    """What became of a test alert at each receiver, by what the registry was told and by what
    Alertmanager has counted since."""
    names = dict.fromkeys((REGISTRY, *routed))
    return [
        _by_webhook(told_at) if name == REGISTRY else _by_counts(name, counts)
        for name in names
        if name != DEADMAN
    ]


def _by_webhook(told_at: datetime | None) -> Taken:
    if told_at is None:
        sentence = "The registry was not told of it yet."
        return Taken(receiver=REGISTRY, state="waiting", rests_on="webhook", sentence=sentence)
    sentence = f"The registry was told of it at {told_at.isoformat(timespec='seconds')}."
    return Taken(receiver=REGISTRY, state="took", rests_on="webhook", sentence=sentence)


def _by_counts(name: str, counts: Sequence[Count]) -> Taken:
    own = [count for count in counts if count.receiver == name]
    # A receiver is named for its integration, a team's with its name behind.
    integration = name.partition("-")[0]
    shared = [count for count in counts if not count.receiver and count.integration == integration]
    rests_on: Evidence = "receiver" if own else "integration"
    # The registry itself is a webhook, and is told of every alert every minute.
    if not own and (not shared or integration == "webhook"):
        sentence = (
            f"Nothing tells whether {name} took it: Alertmanager does not count its notifications"
            " apart from others (--enable-feature=receiver-name-in-metrics lets newer ones); look"
            " there."
        )
        return Taken(receiver=name, state="unknown", rests_on="none", sentence=sentence)
    taken, failed = (sum(getattr(each, n) for each in own or shared) for n in ("taken", "failed"))
    whose = f"{name} took" if own else f"receivers over {integration} took"
    counted = f"Since it was sent, {whose} {taken}, and {failed} failed."
    if failed and not taken:
        sentence = f"{counted} Alertmanager's log says why."
        return Taken(receiver=name, state="failed", rests_on=rests_on, sentence=sentence)
    state: Literal["took", "waiting"] = "took" if taken else "waiting"
    return Taken(receiver=name, state=state, rests_on=rests_on, sentence=counted)


def _summary(receivers: Sequence[Taken]) -> str:
    others = [each for each in receivers if each.receiver != REGISTRY]
    if not others:
        return "Alertmanager routes it to nobody but the registry, or has not taken it yet."
    parts = ("took", "it was taken by"), ("failed", "it failed at"), ("waiting", "it waits for")
    told = [
        f"{words} {', '.join(each.receiver for each in others if each.state == state)}"
        for state, words in (*parts, ("unknown", "nothing tells of"))
        if any(each.state == state for each in others)
    ]
    sentence = "; ".join(told)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _told_at(session: Session, test_id: uuid.UUID) -> datetime | None:
    return session.scalars(
        select(Alert.received_at).where(
            Alert.alertname == TEST, Alert.labels[TEST_ID].astext == str(test_id)
        )
    ).first()


def _alert(test_id: uuid.UUID, ends_at: str, by: str) -> dict[str, object]:
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
        "endsAt": ends_at,
    }
