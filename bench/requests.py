"""What is asked of the routes about agents: what people and programs ask in earnest."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from bench.asked import V1, Asked, agent, get, send, text
from bench.fleet import AGENTS, Registry, Request

KEYS = 200
BULK = 100
SNAPSHOT = {
    **{"interval_seconds": 60, "model_inference_time_ms": 812.5, "model_accuracy": 0.91},
    **{"confidence_score": 0.87, "tokens_processed": 48211, "tokens_per_second": 61.3},
    **{"context_length": 8123, "api_calls_made": 212, "api_call_latency_ms": 640.1},
}


def reading(now: datetime) -> Iterator[Asked]:
    """The fleet, its snapshots, and the system."""
    for path in ("", "/{agent_id}", "/{agent_id}/health", "/{agent_id}/events"):
        yield get(f"{V1}/agents{path}")
    yield get(f"{V1}/agents", "limit=500", what="500 of them")
    yield get(f"{V1}/agents", "text=web-77", what="by text")
    yield get(f"{V1}/agents", "status=OFFLINE", what="by status")
    csv = {"Accept": "text/csv"}
    yield Asked(
        f"GET {V1}/agents", lambda _: Request("GET", f"{V1}/agents", headers=csv), "as CSV", True
    )
    snapshots = f"{V1}/agents/{{agent_id}}/ai-metrics"
    day, week = (f"from={text(now - timedelta(days=days))}" for days in (1, 7))
    yield get(snapshots, what="the latest")
    yield get(snapshots, f"{day}&to={text(now)}&limit=1000", what="of a day")
    for aggregation in ("avg", "max"):
        yield get(
            snapshots, f"{week}&step=1h&aggregation={aggregation}", what=f"week {aggregation}"
        )
    for path in ("health", "health/ready", "discovery/targets", "discovery/state"):
        yield get(f"{V1}/{path}")
    for path in ("status", "deployment-map", "disagreements"):
        yield get(f"{V1}/system/{path}")
    pages = ("/", "/docs", "/docs/oauth2-redirect", "/openapi.json")
    for path in (f"{V1}/keys", f"{V1}/audit", "/metrics", "/metrics/agents", *pages):
        yield get(path)


def writing(registry: Registry, now: datetime) -> Iterator[Asked]:
    """What agents, sync and people send."""
    of_agent = f"{V1}/agents/{{agent_id}}"
    yield send("POST", f"{V1}/agents", lambda n: _registration(f"new-{n}"))
    yield send("POST", f"{V1}/agents/check", lambda n: _registration(f"new-{n}"))
    yield send("PATCH", of_agent, lambda n: {"config": {"number": n}}, {"If-Match": "*"})
    yield send("POST", f"{of_agent}/heartbeat", lambda n: {"snapshot": _snapshot(now, n)})
    yield send("POST", f"{of_agent}/ai-metrics", lambda n: {"snapshots": [_snapshot(now, n, 1)]})
    yield send("POST", f"{V1}/heartbeats", lambda n: {"heartbeats": _beats(now, n)})
    until = {"until": text(now + timedelta(days=1)), "reason": "new disks"}
    yield send("PUT", f"{of_agent}/maintenance", lambda _: until)
    yield send("DELETE", f"{of_agent}/maintenance")
    yield send("DELETE", of_agent)
    yield send("POST", f"{of_agent}/restore")
    yield send("PUT", f"{V1}/sync/{{prometheus}}", lambda n: {"scrapes": _scrapes(n)})
    disagreements = f"{V1}/system/disagreements"
    yield get(disagreements, what="while one Prometheus tells")
    yield get("/metrics/agents", what="while one Prometheus tells")
    yield send("POST", f"{V1}/discovery/release")
    yield send("POST", f"{V1}/keys", lambda n: {"name": f"people {n}", "role": "viewer"})
    keys = [_new_key(registry) for _ in range(KEYS)]
    yield Asked(f"DELETE {V1}/keys/{{key_id}}", lambda n: Request("DELETE", f"{V1}/keys/{keys[n]}"))


def _registration(name: str) -> dict[str, object]:
    return {
        **{"name": name, "instance": "0", "environment": "production", "team": "finance"},
        **{"metrics_address": "127.0.0.1:9464", "labels": {"region": "eu"}},
    }


def _snapshot(now: datetime, number: int, offset: int = 0) -> dict[str, object]:
    taken_at = now - timedelta(microseconds=2 * number + offset)
    return {"taken_at": text(taken_at), **SNAPSHOT}


def _beats(now: datetime, number: int) -> list[dict[str, object]]:
    numbers = range(1000 + number * BULK, 1000 + (number + 1) * BULK)
    return [{"agent_id": agent(each), "snapshot": _snapshot(now, each)} for each in numbers]


def _scrapes(number: int) -> dict[str, str]:
    """Of all agents, a hundred of which change each time."""
    down = range(number * 100, number * 100 + 100)
    return {agent(each): "down" if each in down else "up" for each in range(AGENTS)}


def _new_key(registry: Registry) -> str:
    body = {"name": "to be ended", "role": "viewer"}
    answer = registry.ask(Request("POST", f"{V1}/keys", body)).body
    key_id: str = json.loads(answer)["id"]
    return key_id
