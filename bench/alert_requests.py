"""What is asked of the routes about alerts, of which some thousands were told."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from bench.asked import V1, Asked, agent, get, send, text
from bench.fleet import Registry, Request

ALERTS = f"{V1}/alerts"
ALERT = f"{ALERTS}/{{alert_id}}"
ACK = f"{ALERT}/ack"
WEBHOOK = f"{ALERTS}/webhook"
NOTIFICATIONS = 100
AT_ONCE = 50


def reading(registry: Registry, now: datetime) -> Iterator[Asked]:
    """The history; the alerts are told first."""
    for number in range(NOTIFICATIONS):
        registry.ask(Request("POST", WEBHOOK, _notification(now, number)))
    yield get(ALERTS)
    yield get(ALERTS, "limit=500", what="500 of them")
    yield get(ALERTS, f"agent_id={agent(1)}", what="of an agent")
    yield get(f"{ALERTS}/path")
    yield get(f"{V1}/agents/{{agent_id}}/timeline")
    yield get("/runbooks")
    yield _of_alerts(registry, "GET", ALERT)


def writing(registry: Registry, now: datetime) -> Iterator[Asked]:
    """What Alertmanager tells, and what people note."""
    yield send("POST", WEBHOOK, lambda n: _notification(now, NOTIFICATIONS + n))
    yield _of_alerts(registry, "POST", ACK, {"note": "looking into it"})
    yield _of_alerts(registry, "DELETE", ACK)


def _of_alerts(registry: Registry, method: str, template: str, body: object = None) -> Asked:
    """Of another one each time."""
    found = json.loads(registry.ask(Request("GET", f"{ALERTS}?limit=500")).body)["items"]

    def make(number: int) -> Request:
        return Request(method, template.replace("{alert_id}", str(found[number]["id"])), body)

    return Asked(f"{method} {template}", make)


def _notification(now: datetime, number: int) -> dict[str, object]:
    alerts = [
        {
            **{"status": "firing", "fingerprint": f"{each:016x}", "annotations": {}},
            "labels": {"alertname": "AgentDown", "severity": "critical", "agent_id": agent(each)},
            **{
                "startsAt": text(now - timedelta(seconds=number)),
                "endsAt": "0001-01-01T00:00:00Z",
            },
        }
        for each in range(AT_ONCE)
    ]
    return {"version": "4", "alerts": alerts}
