"""What is asked of each route when it is measured: what people and programs ask in earnest."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import md5
from typing import Any

from bench.fleet import AGENTS, Registry, Request
from bench.rules import APPLY, GROUPS, RULES, group, rule

V1 = "/api/v1"
GROUP, RULE = f"{V1}/rule-groups/{{group_id}}", f"{V1}/alert-rules/{{rule_id}}"
KEYS = 200
BULK = 100
SNAPSHOT = {
    **{"interval_seconds": 60, "model_inference_time_ms": 812.5, "model_accuracy": 0.91},
    **{"confidence_score": 0.87, "tokens_processed": 48211, "tokens_per_second": 61.3},
    **{"context_length": 8123, "api_calls_made": 212, "api_call_latency_ms": 640.1},
}


@dataclass(frozen=True)
class Asked:
    """An operation of the API, and the request number so and so of it."""

    operation: str
    make: Callable[[int], Request]
    what: str = ""
    # Everything there is, as a stream: the whole takes as long as there is much.
    is_export: bool = False

    def __str__(self) -> str:
        return f"{self.operation} {self.what}".strip()


def all_asked(registry: Registry, now: datetime) -> list[Asked]:
    """Reading first: what writing leaves behind would be read."""
    registry.ask(Request("POST", APPLY, {"groups": [group(each) for each in range(GROUPS)]}))
    return [
        *_reading(now),
        *_reading_rules(registry),
        *_writing(registry, now),
        *_writing_rules(registry),
    ]


def agent(number: int) -> str:
    """The id of one of the fleet, neighbours far apart."""
    name = str(number * 37 % AGENTS + 1)
    return str(uuid.UUID(md5(name.encode(), usedforsecurity=False).hexdigest()))


def _reading(now: datetime) -> Iterator[Asked]:
    for path in ("", "/{agent_id}", "/{agent_id}/health", "/{agent_id}/events"):
        yield _get(f"{V1}/agents{path}")
    yield _get(f"{V1}/agents", "limit=500", what="500 of them")
    yield _get(f"{V1}/agents", "text=web-77", what="by text")
    yield _get(f"{V1}/agents", "status=OFFLINE", what="by status")
    csv = {"Accept": "text/csv"}
    yield Asked(
        f"GET {V1}/agents", lambda _: Request("GET", f"{V1}/agents", headers=csv), "as CSV", True
    )
    snapshots = f"{V1}/agents/{{agent_id}}/ai-metrics"
    day, week = (f"from={_text(now - timedelta(days=days))}" for days in (1, 7))
    yield _get(snapshots, what="the latest")
    yield _get(snapshots, f"{day}&to={_text(now)}&limit=1000", what="of a day")
    for aggregation in ("avg", "max"):
        yield _get(
            snapshots, f"{week}&step=1h&aggregation={aggregation}", what=f"week {aggregation}"
        )
    for path in ("health", "health/ready", "discovery/targets", "discovery/state", "alerts"):
        yield _get(f"{V1}/{path}")
    for path in ("status", "deployment-map", "disagreements"):
        yield _get(f"{V1}/system/{path}")
    pages = ("/", "/docs", "/docs/oauth2-redirect", "/openapi.json")
    for path in (f"{V1}/keys", f"{V1}/audit", "/metrics", "/metrics/agents", *pages):
        yield _get(path)


def _reading_rules(registry: Registry) -> Iterator[Asked]:
    for path in ("rule-groups", "alert-rules", "rules/bundle", "sync"):
        yield _get(f"{V1}/{path}")
    yield _get(f"{V1}/alert-rules", "limit=500", what="500 of them")
    yield _get(f"{V1}/rule-groups", "state=pending", what="by state")
    for template in (GROUP, f"{GROUP}/revisions", f"{GROUP}/revisions/{{number}}"):
        yield _of_rules(registry, "GET", template)
    for template in (RULE, f"{RULE}/revisions"):
        yield _of_rules(registry, "GET", template)


def _writing_rules(registry: Registry) -> Iterator[Asked]:
    """What is deleted at last was there for all others."""
    any_tag = {"If-Match": "*"}
    first = _groups(registry)[0]["id"]
    yield _send("POST", f"{V1}/rule-groups", lambda n: group(GROUPS + n))
    yield _send("POST", f"{V1}/rule-groups/check", group)
    yield _send("POST", APPLY, lambda n: {"groups": [group(each) for each in range(n, n + 10)]})
    yield _send("POST", f"{V1}/alert-rules/check", rule)
    new = {"group_id": first}
    yield _send("POST", f"{V1}/alert-rules", lambda n: new | rule(n) | {"name": f"New{n}"})
    yield _send("PUT", f"{V1}/sync/{{prometheus}}/rules", _report)
    yield _of_rules(registry, "PUT", GROUP, lambda n: group(2 * GROUPS + n), any_tag)
    yield _of_rules(registry, "PUT", RULE, lambda n: rule(n) | {"name": f"Other{n}"}, any_tag)
    for template in (RULE, GROUP):
        for path in ("disable", "enable"):
            yield _of_rules(registry, "POST", f"{template}/{path}")
    yield _of_rules(registry, "POST", f"{GROUP}/rollback", lambda _: {"revision": 1})
    for template in (RULE, GROUP):
        yield _of_rules(registry, "DELETE", template)


def _writing(registry: Registry, now: datetime) -> Iterator[Asked]:
    of_agent = f"{V1}/agents/{{agent_id}}"
    yield _send("POST", f"{V1}/agents", lambda n: _registration(f"new-{n}"))
    yield _send("POST", f"{V1}/agents/check", lambda n: _registration(f"new-{n}"))
    yield _send("PATCH", of_agent, lambda n: {"config": {"number": n}}, {"If-Match": "*"})
    yield _send("POST", f"{of_agent}/heartbeat", lambda n: {"snapshot": _snapshot(now, n)})
    yield _send("POST", f"{of_agent}/ai-metrics", lambda n: {"snapshots": [_snapshot(now, n, 1)]})
    yield _send("POST", f"{V1}/heartbeats", lambda n: {"heartbeats": _beats(now, n)})
    until = {"until": _text(now + timedelta(days=1)), "reason": "new disks"}
    yield _send("PUT", f"{of_agent}/maintenance", lambda _: until)
    yield _send("DELETE", f"{of_agent}/maintenance")
    yield _send("DELETE", of_agent)
    yield _send("POST", f"{of_agent}/restore")
    yield _send("PUT", f"{V1}/sync/{{prometheus}}", lambda n: {"scrapes": _scrapes(n)})
    disagreements = f"{V1}/system/disagreements"
    yield _get(disagreements, what="while one Prometheus tells")
    yield _get("/metrics/agents", what="while one Prometheus tells")
    yield _send("POST", f"{V1}/alerts/webhook", lambda n: _notification(now, n))
    yield _send("POST", f"{V1}/discovery/release")
    yield _send("POST", f"{V1}/keys", lambda n: {"name": f"people {n}", "role": "viewer"})
    keys = [_new_key(registry) for _ in range(KEYS)]
    yield Asked(f"DELETE {V1}/keys/{{key_id}}", lambda n: Request("DELETE", f"{V1}/keys/{keys[n]}"))


def _get(template: str, query: str = "", what: str = "") -> Asked:
    def make(number: int) -> Request:
        path = template.replace("{agent_id}", agent(number))
        return Request("GET", f"{path}?{query}" if query else path)

    return Asked(f"GET {template}", make, what)


def _groups(registry: Registry) -> list[dict[str, Any]]:
    """All that are there, with their rules."""
    answer = registry.ask(Request("GET", f"{V1}/rule-groups?limit={GROUPS}"))
    found: list[dict[str, Any]] = json.loads(answer.body)["items"]
    return found


def _report(number: int) -> dict[str, object]:
    loads = {str(uuid.UUID(int=each)): {"loaded": number + 1} for each in range(GROUPS)}
    return {"version": number, "groups": loads}


def _of_rules(
    registry: Registry,
    method: str,
    template: str,
    body: Callable[[int], object] = lambda _: None,
    headers: Mapping[str, str] | None = None,
) -> Asked:
    """Of another group each time, or the third of its rules."""
    groups = _groups(registry)

    def make(number: int) -> Request:
        one = groups[number]
        path = template.replace("{group_id}", one["id"]).replace("{number}", "1")
        if "{rule_id}" in path:
            path = path.replace("{rule_id}", one["rules"][RULES // 3]["id"])
        return Request(method, path, body(number), headers or {})

    return Asked(f"{method} {template}", make)


def _send(
    method: str,
    template: str,
    body: Callable[[int], object] = lambda _: None,
    headers: Mapping[str, str] | None = None,
) -> Asked:
    def make(number: int) -> Request:
        path = template.replace("{agent_id}", agent(number)).replace("{prometheus}", "main")
        return Request(method, path, body(number), headers or {})

    return Asked(f"{method} {template}", make)


def _registration(name: str) -> dict[str, object]:
    return {
        **{"name": name, "instance": "0", "environment": "production", "team": "finance"},
        **{"metrics_address": "127.0.0.1:9464", "labels": {"region": "eu"}},
    }


def _snapshot(now: datetime, number: int, offset: int = 0) -> dict[str, object]:
    taken_at = now - timedelta(microseconds=2 * number + offset)
    return {"taken_at": _text(taken_at), **SNAPSHOT}


def _beats(now: datetime, number: int) -> list[dict[str, object]]:
    numbers = range(1000 + number * BULK, 1000 + (number + 1) * BULK)
    return [{"agent_id": agent(each), "snapshot": _snapshot(now, each)} for each in numbers]


def _scrapes(number: int) -> dict[str, str]:
    """Of all agents, a hundred of which change each time."""
    down = range(number * 100, number * 100 + 100)
    return {agent(each): "down" if each in down else "up" for each in range(AGENTS)}


def _notification(now: datetime, number: int) -> dict[str, object]:
    alerts = [
        {
            **{"status": "firing", "fingerprint": f"{each:016x}", "annotations": {}},
            "labels": {"alertname": "AgentDown", "severity": "critical", "agent_id": agent(each)},
            **{
                "startsAt": _text(now - timedelta(seconds=number)),
                "endsAt": "0001-01-01T00:00:00Z",
            },
        }
        for each in range(50)
    ]
    return {"version": "4", "alerts": alerts}


def _new_key(registry: Registry) -> str:
    body = {"name": "to be ended", "role": "viewer"}
    answer = registry.ask(Request("POST", f"{V1}/keys", body)).body
    key_id: str = json.loads(answer)["id"]
    return key_id


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
