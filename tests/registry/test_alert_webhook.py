"""What is posted to the webhook: mended where it can be, refused where it is no notification."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.registry.notifications import (
    ENDED,
    NO_TIME,
    WEBHOOK,
    alert,
    history,
    notification,
    tell,
)
from tests.registry.running import RunningRegistry


def test_what_cannot_be_stored_is_mended_rather_than_refused(registry: RunningRegistry) -> None:
    hostile = {"alertname": "A\x00B", "half\ud800": "\udc00half", "pair": "\ud83d\ude00"}
    body = json.dumps(notification(alert(labels=hostile, fingerprint="\x00")))
    answer = registry.client.post(
        WEBHOOK,
        content=body.encode().replace(b"invoice", b"\xff"),
        headers={**registry.bearer(None), "content-type": "application/json"},
    )

    assert answer.status_code == 200, answer.text
    (entry,) = history(registry)
    assert entry["alertname"] == "A\ufffdB"
    assert entry["labels"]["half\ufffd"] == "\ufffdhalf"
    assert entry["labels"]["pair"] == "\U0001f600"


def test_fields_that_a_later_alertmanager_adds_are_ignored(registry: RunningRegistry) -> None:
    body = notification(alert(silenceURL="x"), notification_reason="group", routeLabels={"a": "b"})

    assert registry.post(WEBHOOK, body).json() == {"stored": 1, "repeated": 0}


def test_as_many_alerts_as_a_body_holds_are_one_transaction(registry: RunningRegistry) -> None:
    many = [
        {"status": "firing", "startsAt": ENDED, "fingerprint": f"{number:x}"}
        for number in range(12_000)
    ]

    assert tell(registry, *many) == (12_000, 0)
    assert registry.rows("SELECT count(DISTINCT received_at) FROM alerts") == [(1,)]


def test_a_name_of_any_length_is_kept_in_the_labels(registry: RunningRegistry) -> None:
    name = "".join(chr(0x4E00 + number) for number in range(9000))
    tell(registry, alert(labels={"alertname": name, "severity": name}))

    (entry,) = history(registry)
    assert entry["labels"]["alertname"] == name
    assert name.startswith(entry["alertname"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (notification(alert(status="pending")), "status"),
        (notification(alert(fingerprint="")), "fingerprint"),
        (notification(alert(fingerprint="a" * 5000)), "fingerprint"),
        (notification(alert(startsAt=NO_TIME)), "startsAt"),
        (notification(alert(startsAt="yesterday")), "startsAt"),
        (notification(alert(startsAt="9999-12-31T23:59:59-12:00")), "startsAt"),
        (notification(alert(labels={"alertname": 7})), "labels"),
        (notification(alert(annotations=[])), "annotations"),
        (notification(version="5"), "version"),
        ({"version": "4"}, "alerts"),
        ({"version": "4", "alerts": {}}, "alerts"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_notification_is_refused_with_the_field(
    registry: RunningRegistry, body: dict[str, Any], field: str
) -> None:
    answer = registry.post(WEBHOOK, body)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in answer.json()["errors"][0]["field"]
    assert history(registry) == []


def test_one_bad_alert_stores_none_of_its_notification(registry: RunningRegistry) -> None:
    assert registry.post(WEBHOOK, notification(alert(), alert(status=""))).status_code == 422
    assert history(registry) == []


def test_a_failing_commit_is_told_so_that_alertmanager_tries_again(
    registry: RunningRegistry,
) -> None:
    registry.execute(
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'refused at commit'; END $$;
        CREATE CONSTRAINT TRIGGER refuse_at_commit AFTER INSERT ON alerts
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()
        """
    )

    assert registry.post(WEBHOOK, notification(alert())).status_code == 500
    registry.execute("DROP FUNCTION refuse CASCADE")
    assert tell(registry, alert()) == (1, 0)
