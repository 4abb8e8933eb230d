"""Bodies that have every field that the document tells of, kept complete by a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.registry.events import ahead
from tests.registry.notifications import alert
from tests.registry.requests import REGISTERED, TOMORROW, V1
from tests.registry.rule_groups import GROUP_ID
from tests.registry.running import registration, snapshot

Place = tuple[Any, ...]

SNAPSHOT = snapshot(
    model_inference_time_ms=840.5,
    model_inference_time_p95_ms=1600.0,
    model_accuracy=0.9,
    confidence_score=0.8,
    tokens_processed=15,
    tokens_per_second=60.5,
    context_length=8000,
    api_calls_made=14,
    api_call_latency_ms=640.0,
    api_call_latency_p95_ms=1500.0,
    model_calls=12,
    tokens={"input": 1, "cache_read": 2, "cache_write": 3, "output": 4, "reasoning": 5},
    model_errors={"timeout": 1},
    tasks_completed=3,
    tasks_failed=1,
    tasks_pending=2,
)
HEARTBEAT = {
    "state": "working",
    "goodbye": False,
    "process": "web-1:4711:9f86d081884c",
    "snapshot": SNAPSHOT,
}
# What an agent says of itself and an operator may change.
CHANGEABLE = {
    "description": "It writes invoices.",
    "team": "finance",
    "tags": ["gold"],
    "labels": {"region": "eu"},
    "config": {"model": {"temperature": 0.2, "stop": ["."]}},
    "version": "2.1.0",
    "host": "web-1",
}
REGISTRATION = registration("another", type="LLM_AGENT", deployment_type="DOCKER", **CHANGEABLE)
KEY = {
    "name": "newcomers",
    "role": "enrolment",
    "environment": "production",
    "team": "finance",
    "expires_at": ahead(hours=12),
}
RULE = {
    "kind": "alert",
    "name": "Slow",
    "expr": "vector(1) > 0",
    "for": "5m",
    "keep_firing_for": "10m",
    "labels": {"severity": "warning"},
    "annotations": {"runbook_url": "https://example.org"},
    "enabled": True,
    "severity": "warning",
    "runbook_url": "https://example.org",
}
GROUP = {
    "name": "slow agents",
    "interval": "30s",
    "limit": 100,
    "labels": {"team": "finance"},
    "owner": "finance",
    "enabled": True,
    "rules": [RULE | {"id": None}],
}
REPORT = {
    "version": 1,
    "groups": {GROUP_ID: {"loaded": 1, "rejected": 2, "reason": "parse error"}},
    "trouble": "",
}
WHOLE: dict[str, dict[str, Any]] = {
    f"POST {V1}/agents": REGISTRATION,
    f"POST {V1}/agents/check": REGISTRATION,
    f"PATCH {V1}/agents/{{agent_id}}": CHANGEABLE,
    f"PUT {V1}/agents/{{agent_id}}/maintenance": {"until": TOMORROW, "reason": "new disks"},
    f"POST {V1}/agents/{{agent_id}}/heartbeat": HEARTBEAT,
    f"POST {V1}/heartbeats": {"heartbeats": [{"agent_id": REGISTERED, **HEARTBEAT}]},
    f"POST {V1}/agents/{{agent_id}}/ai-metrics": {"snapshots": [SNAPSHOT]},
    f"POST {V1}/alerts/webhook": {"version": "4", "alerts": [alert()]},
    f"POST {V1}/alerts/{{alert_id}}/ack": {"note": "seen"},
    f"PUT {V1}/sync/{{prometheus}}": {"scrapes": {REGISTERED: "up"}},
    f"POST {V1}/rule-templates/{{template_id}}/build": {
        "parameters": {"share": 0.2, "for": "10m"},
        "scope": {
            "environment": "production",
            "team": {"matches": "sales|support"},
            "agent": "invoice-bot",
            "type": "LLM_AGENT",
        },
    },
    f"POST {V1}/keys": KEY,
    f"PUT {V1}/sync/{{prometheus}}/rules": REPORT,
    f"POST {V1}/rule-groups": GROUP,
    f"POST {V1}/rule-groups/check": GROUP,
    f"POST {V1}/rule-groups/apply": {
        "owner": "finance",
        "prune": False,
        "dry_run": False,
        "message": "why",
        "groups": [GROUP],
    },
    f"PUT {V1}/rule-groups/{{group_id}}": GROUP,
    f"POST {V1}/rule-groups/{{group_id}}/rollback": {"revision": 1, "message": "why"},
    f"POST {V1}/alert-rules": {"group_id": GROUP_ID, **RULE},
    f"POST {V1}/alert-rules/check": RULE,
    f"POST {V1}/alert-rules/preview": {**RULE, "hours": 12.5},
    f"PUT {V1}/alert-rules/{{rule_id}}": RULE,
}


def places(body: Any, path: Place = ()) -> Iterator[Place]:
    """Where there is a value in this JSON, at any depth."""
    pairs: Mapping[Any, Any] = body if isinstance(body, dict) else {}
    if isinstance(body, list):
        pairs = dict(enumerate(body))
    for key, value in pairs.items():
        yield (*path, key)
        yield from places(value, (*path, key))


def objects(body: Any, path: Place = ()) -> Iterator[Place]:
    """Where there is an object in this JSON, itself included."""
    pairs = dict(enumerate(body)) if isinstance(body, list) else body
    if isinstance(body, dict):
        yield path
    if isinstance(pairs, dict):
        for key, value in pairs.items():
            yield from objects(value, (*path, key))


def described_places(document: Any, schema: Any, body: Any, path: Place = ()) -> Iterator[Place]:
    """Where there could be one: each property, and one in each list and map, of what this body has.

    What a schema leaves open, such as an agent's configuration, has at least one.
    """
    schema = _resolved(document, schema)
    parts = dict(schema.get("properties", {}))
    if open_part := schema.get("additionalProperties"):
        parts[next(iter(body or ()), "any name")] = open_part
    if "items" in schema:
        parts[0] = schema["items"]
    values = dict(enumerate(body)) if isinstance(body, list) else body or {}
    for key, part in parts.items():
        yield (*path, key)
        yield from described_places(document, part, values.get(key), (*path, key))


def _resolved(document: Any, schema: Any) -> Any:
    """What it refers to, and the first thing that it is when it is not null."""
    if not isinstance(schema, dict):
        return {}
    if alternatives := schema.get("anyOf"):
        schema = next(each for each in alternatives if each.get("type") != "null")
    if name := schema.get("$ref"):
        schema = document["components"]["schemas"][name.rpartition("/")[2]]
    return schema
