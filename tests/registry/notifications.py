"""What Alertmanager posts to the registry, and the history that comes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.registry.running import RunningRegistry

NOW = datetime.now(UTC)
WEBHOOK = "/api/v1/alerts/webhook"
HISTORY = "/api/v1/alerts"
NO_TIME = "0001-01-01T00:00:00Z"
STARTED = "2026-11-23T10:00:00.123456789Z"
ENDED = "2026-11-23T10:05:00Z"


def alert(**fields: Any) -> dict[str, Any]:
    """A firing alert as Alertmanager 0.25 writes it."""
    return {
        "status": "firing",
        "labels": {"alertname": "AgentDown", "severity": "critical", "agent": "invoice-bot"},
        "annotations": {"summary": "An agent is down."},
        "startsAt": STARTED,
        "endsAt": NO_TIME,
        "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
        "fingerprint": "0123456789abcdef",
        **fields,
    }


def resolved(**fields: Any) -> dict[str, Any]:
    """The same alert when it is over."""
    return alert(**{"status": "resolved", "endsAt": ENDED, **fields})


def before(**time: float) -> str:
    """The moment so long ago."""
    return (NOW - timedelta(**time)).isoformat()


def about(agent_id: str, fingerprint: str, starts_at: str, **more: Any) -> dict[str, Any]:
    """An alert about this agent."""
    labels = {"alertname": "AgentDown", "severity": "critical", "agent_id": agent_id}
    return alert(labels=labels, fingerprint=fingerprint, startsAt=starts_at, **more)


def notification(*alerts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A payload of version 4, with all that Alertmanager puts around the alerts."""
    return {
        "version": "4",
        "groupKey": '{}:{alertname="AgentDown"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "registry",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "alerts": list(alerts),
        **more,
    }


def tell(registry: RunningRegistry, *alerts: dict[str, Any]) -> tuple[int, int]:
    """Deliver a notification; returns how many alerts were stored, and how many repeated."""
    answer = registry.post(WEBHOOK, notification(*alerts))
    assert answer.status_code == 200, answer.text
    receipt = answer.json()
    return receipt["stored"], receipt["repeated"]


def history(registry: RunningRegistry, **filters: Any) -> list[dict[str, Any]]:
    """The first page of the history."""
    answer = registry.get(HISTORY, params=filters)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])
