"""An example of each answer, by the name of its model: what the OpenAPI document shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pulseguard_registry.rules.answer_examples import RULE_ANSWERS
from pulseguard_registry.rules.templates.answer_examples import TEMPLATE_ANSWERS

Json = dict[str, Any]  # Any: JSON

_ID: Final = "61ec8b29-a595-5aea-b2c3-8589a6114216"
_OTHER_ID: Final = "0f8c4b0e-3f0e-5a52-8f5e-0a4a1f0f7a55"
_KEY_ID: Final = "9a4c99ee-39cd-4344-9a88-3c3cbb56e75a"
_ADMIN_ID: Final = "e59a4bd6-de95-4a77-b977-d432ea501dc4"
_EARLIER, _NOW, _LATER = (f"2026-11-28T{time}:00Z" for time in ("09:00", "10:00", "12:00"))

_PLACE: Final[Json] = {
    "id": _ID,
    "name": "invoice-bot",
    "instance": "web-1-0",
    "team": "finance",
    "type": "LLM_AGENT",
    "version": "2.1.0",
    "deployment_type": "DOCKER",
    "status": "ONLINE",
    "status_reason": None,
}
_AGENT: Final[Json] = _PLACE | {
    "environment": "production",
    "description": "It writes invoices.",
    "host": "web-1",
    "tags": ["gold"],
    "labels": {"region": "eu"},
    "config": {"temperature": 0.2},
    "metrics_address": "10.0.0.7:9464",
    "state": "working",
    "registered_at": _EARLIER,
    "last_seen_at": _NOW,
    "stopped_at": None,
    "retired_at": None,
    "revision": 7,
    "operator_set": ["team"],
    "maintenance_until": None,
    "maintenance_reason": "",
}
_NEW_AGENT: Final[Json] = _AGENT | {
    "status": "UNKNOWN",
    "status_reason": "never_heard",
    "state": "idle",
    "last_seen_at": None,
    "revision": 1,
    "operator_set": [],
}
_RETIRED_AGENT: Final[Json] = _AGENT | {
    "status": "OFFLINE",
    "status_reason": "retired",
    "retired_at": _NOW,
    "runs_on": True,
    "back_by": "registering",
}
_HEALTH: Final[Json] = {
    "id": _ID,
    "status": "ONLINE",
    "status_reason": None,
    "health_score": 0.75,
    "parts": {
        "freshness": {"value": 1.0, "sentence": "The last heartbeat came 4 s ago."},
        "task_success": {"value": 0.75, "sentence": "Of 8 tasks within 5 minutes, 2 failed."},
        "scraped": {"value": 1.0, "sentence": "Prometheus scrapes it."},
    },
    "disagreements": [],
    "processes": [],
    "to_be_enrolled": False,
    "silenced": None,
    "alerts": [{"name": "AgentErrorRateHigh", "severity": "warning", "since": _EARLIER}],
    "state": "working",
    "last_seen_at": _NOW,
    "last_snapshot_at": _NOW,
    "last_progress_at": _NOW,
}
_EVENT: Final[Json] = {
    "id": 41,
    "agent_id": _ID,
    "at": _NOW,
    "kind": "version_changed",
    "from": "2.0.3",
    "to": "2.1.0",
    "detail": {"cause": "agent", "fields": ["version"]},
}
_SNAPSHOT: Final[Json] = {
    "taken_at": _NOW,
    "interval_seconds": 60.0,
    "model_inference_time_ms": 840.5,
    "model_inference_time_p95_ms": 1600.0,
    "model_accuracy": 0.93,
    "confidence_score": None,
    "tokens_processed": 18200,
    "tokens_per_second": 60.5,
    "context_length": 8000,
    "api_calls_made": 14,
    "api_call_latency_ms": 640.0,
    "api_call_latency_p95_ms": 1500.0,
    "model_calls": 12,
    "tokens": {"input": 15000, "cache_read": 0, "cache_write": 0, "output": 3200, "reasoning": 0},
    "model_errors": {"timeout": 1},
    "tasks_completed": 3,
    "tasks_failed": 1,
    "tasks_pending": 2,
    "received_at": _NOW,
}
_SERIES: Final[Json] = {
    "agent_id": _ID,
    "from": _EARLIER,
    "to": _NOW,
    "step_seconds": 300,
    "aggregation": "avg",
    "points": [
        {"at": _EARLIER, "snapshots": 5, "values": {"model_calls": 11.4, "confidence_score": None}}
    ],
}
_UNKNOWN: Final = (
    f"there is no agent {_OTHER_ID}, or it has ended; register with POST /api/v1/agents"
)
_FAULT: Final[Json] = {"field": "heartbeats.1.agent_id", "value": _OTHER_ID, "message": _UNKNOWN}
_BULK: Final[Json] = {
    "results": [
        {"code": 200, "status": "ONLINE"},
        {"code": 404, "detail": f"heartbeats.1.agent_id: {_UNKNOWN}", "errors": [_FAULT]},
    ]
}
_DISCOVERY: Final[Json] = {
    "in_doubt": False,
    "confirmed_seconds_ago": 0.074,
    "targets": 40,
    "etag": '"b0dbd23d58404e62809027fc0e82b559"',
    "since": _EARLIER,
    "held_back": {"targets": 25, "agents": [_ID], "since": _NOW, "until": _LATER},
    "holds": 2,
    "last_release": {"at": _EARLIER, "by": "ops", "targets": 22},
    "refused": {"unconfirmed": 0},
    "silence": {"judged_from": _EARLIER, "held_until": None, "held_agents": 0},
}
_ALERT: Final[Json] = {
    "id": 17,
    "fingerprint": "0123456789abcdef",
    "status": "firing",
    "alertname": "AgentDown",
    "severity": "critical",
    "agent_id": _ID,
    "agent_name": "invoice-bot",
    "environment": "production",
    "team": "finance",
    "labels": {"alertname": "AgentDown", "severity": "critical", "agent_id": _ID},
    "annotations": {"summary": "An agent is down."},
    "starts_at": _EARLIER,
    "ends_at": None,
    "generator_url": "http://prometheus:9090/graph?g0.expr=up",
    "received_at": _EARLIER,
    "last_told_at": _NOW,
    "fires": True,
    "is_test": False,
    "agent_then": {"version": "2.1.0", "status": "ONLINE", "snapshot": _SNAPSHOT},
    "acknowledged": {"by": "ops", "key_id": _ADMIN_ID, "at": _NOW, "note": "I restart it"},
}
_PATH: Final[Json] = {
    "heard_at": _NOW,
    "arrives": True,
    "sentence": "The dead man's switch was heard 12 s ago: alerts arrive.",
}
_TEST: Final[Json] = {
    "test_id": _OTHER_ID,
    "sent_at": _EARLIER,
    "judged_at": _EARLIER,
    "reached": True,
    "receivers": [
        {
            "receiver": "slack",
            "state": "took",
            "rests_on": "integration",
            "sentence": "Since it was sent, slack took 1 and refused 0.",
        }
    ],
    "sentence": "It was taken by slack.",
}
_HAPPENING: Final[Json] = {
    "at": _NOW,
    "kind": "alert_began",
    "from": None,
    "to": None,
    "alert_id": 17,
    "alertname": "AgentDown",
    "severity": "critical",
    "detail": {"summary": "An agent is down."},
}
_SYSTEM: Final[Json] = {
    "version": "0.1.0",
    "uptime_seconds": 86400.5,
    "agents": {
        "total": 40,
        "by_status": {"ONLINE": 38, "ERROR": 1, "UNKNOWN": 0, "OFFLINE": 1, "MAINTENANCE": 0},
        "by_environment": {"production": 40},
        "by_type": {"LLM_AGENT": 30, "TASK_AGENT": 10},
    },
    "database": {"version": "18.0", "schema_revision": "0016", "size_bytes": 9123519},
    "targets": {"count": 39, "age_seconds": 0.248},
    "snapshots": {"stored": 403200, "late": 0},
    "alerts_firing": 1,
}
_DISAGREEMENTS: Final[Json] = {
    "prometheus": ["main"],
    "totals": {"scraped_but_silent": 1},
    "items": [
        {
            "kind": "scraped_but_silent",
            "agent_id": _ID,
            "name": "invoice-bot",
            "instance": "web-1-0",
            "status": "OFFLINE",
            "scraped": "up",
            "processes": [],
        }
    ],
}
_KEY: Final[Json] = {
    "id": _KEY_ID,
    "name": "newcomers",
    "role": "enrolment",
    "environment": "production",
    "team": "finance",
    "created_at": _EARLIER,
    **dict.fromkeys(("agent_id", "enrolled_by", "given_as")),
    "expires_at": _LATER,
    "revoked_at": None,
    "last_used_at": None,
}
_RECORD: Final[Json] = {
    "id": 9,
    "recorded_at": _EARLIER,
    "key_id": _ADMIN_ID,
    "key_name": "first admin",
    "role": "admin",
    "method": "POST",
    "route": "/api/v1/keys",
    "object_type": "keys",
    "object_id": _KEY_ID,
    "status": 201,
    "request_id": "a50e37e6086f4169ac5f121549eafd83",
}


def _page(item: Json) -> Json:
    return {"items": [item], "next_cursor": None}


ANSWERS: Final[Mapping[str, Json]] = {
    "Liveness": {"status": "alive", "version": "0.1.0"},
    "Readiness": {
        "status": "ready",
        "database": "up",
        "schema_revision": "0016",
        "target_list_age_seconds": 0.078,
        "targets": 39,
    },
    "Agent": _AGENT,
    "EnrolledAgent": _NEW_AGENT | {"key": "pg_agent_…"},
    "ScoredAgent": _AGENT | {"health_score": 0.75},
    "RetiredAgent": _RETIRED_AGENT,
    "RestoredAgent": _AGENT | {"to_be_enrolled": False},
    "AgentPage": _page(_AGENT | {"health_score": 0.75}),
    "AgentHealth": _HEALTH,
    "EventPage": _page(_EVENT),
    "HeartbeatReceipt": {"status": "ONLINE"},
    "HeartbeatBulkReceipt": _BULK,
    "SnapshotReceipt": {"stored": 1, "repeated": 0, "refused": 0},
    "SnapshotPage": {"agent_id": _ID, "items": [_SNAPSHOT], "next_to": None},
    "SnapshotSeries": _SERIES,
    "DiscoveryState": _DISCOVERY,
    "Released": {"released": 25},
    "NotificationReceipt": {"stored": 1, "repeated": 0},
    "Alert": _ALERT,
    "AlertPage": _page(_ALERT),
    "AlertPath": _PATH,
    "Receivers": {"reaches": True, "receivers": ["slack"], "sentence": "Alerts reach slack."},
    "SentAlertTest": {"test_id": _OTHER_ID, "sentence": "Sent."},
    "AlertTestResult": _TEST,
    "Timeline": _page(_HAPPENING),
    "SystemStatus": _SYSTEM,
    "DeploymentMap": _page({"host": "web-1", "environments": {"production": [_PLACE]}}),
    "ScrapeReceipt": {"changed": 1, "strangers": 0},
    "Disagreements": _DISAGREEMENTS,
    "NewKey": _KEY | {"key": "pg_enrolment_…"},
    "KeyPage": _page(_KEY),
    "Revoked": {"id": _KEY_ID, "own_keys_ended": 0},
    "AuditPage": _page(_RECORD),
    **RULE_ANSWERS,
    **TEMPLATE_ANSWERS,
}
