"""A fleet with something of everything, and all that an admin is told of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.registry.events import ahead, change, heartbeat
from tests.registry.notifications import alert, resolved
from tests.registry.notifications import tell as notify
from tests.registry.rule_groups import make_group, rule, tell
from tests.registry.running import YESTERDAY, RunningRegistry, eventually, snapshot

V1 = "/api/v1"
# What is told as time goes on, or of the one registry that answers and its files.
PASSING = {
    "/system/status": (
        ("uptime_seconds",),
        ("targets", "age_seconds"),
        ("database", "size_bytes"),
        ("snapshots",),
    ),
    "/discovery/state": (("confirmed_seconds_ago",), ("since",), ("refused",), ("silence",)),
}


def furnish(registry: RunningRegistry) -> list[str]:
    """A fleet with something of everything; returns the ids of its agents.

    The first has nothing but its registration, the last its own key. Those that are heard and the
    Prometheus that tells are so an hour ahead of the clock: time changes no answer.
    """
    ids = [registry.register("bot-0")["id"]]
    ids += [registry.register(f"bot-{n}", tags=["gold"], config={"n": n})["id"] for n in (1, 2, 3)]
    enrolment = registry.key("enrolment", environment="production", expires_at=ahead(hours=23))
    ids.append(registry.register("bot-4", enrolment, host="shelf-1")["id"])
    for agent_id in ids[1:3]:
        heartbeat(registry, agent_id, state="working", snapshot=snapshot(tasks_completed=3))
    later = (YESTERDAY + timedelta(minutes=7)).isoformat()
    heartbeat(registry, ids[1], snapshot=snapshot(later, tasks_completed=5))
    change(registry, "PATCH", ids[1], {"team": "finance", "labels": {"tier": "gold"}})
    change(
        registry, "PUT", f"{ids[2]}/maintenance", {"until": ahead(days=1), "reason": "new disks"}
    )
    change(registry, "DELETE", ids[3])
    notify(registry, alert(labels={"alertname": "AgentDown", "agent_id": ids[1]}), resolved())
    notify(registry, resolved(fingerprint="fedcba9876543210"))
    revoked = registry.post(f"{V1}/keys", {"name": "gone", "role": "viewer"}).json()
    registry.delete(f"{V1}/keys/{revoked['id']}")
    # Not only so many: the retired one may be on the list still, and the last not yet.
    left = {*ids} - {ids[3]}
    eventually(lambda: {each["labels"]["agent_id"] for each in registry.targets()} == left)
    scrapes = {"scrapes": {ids[1]: "up", ids[2]: "down"}}
    made = make_group(registry, rule(), rule("Fast"), owner="finance")
    change_rules(registry, made)
    answer = registry.client.put(f"{V1}/sync/main", json=scrapes, headers=registry.bearer(None))
    assert answer.status_code == 200, answer.text
    registry.execute(
        "UPDATE served_targets SET since = since - interval '1 h';"
        " UPDATE agents SET registered_at = registered_at - interval '1 h';"
        " UPDATE agents SET last_seen_at = now() + interval '1 h' WHERE last_seen_at IS NOT NULL;"
        " UPDATE scrape_reports SET told_at = now() + interval '1 h',"
        " began_at = began_at - interval '1 h';"
        " UPDATE rule_syncs SET told_at = now() + interval '1 h'"
    )
    return ids


def change_rules(registry: RunningRegistry, made: dict[str, Any]) -> None:
    """A second revision of a group, which a Prometheus has loaded."""
    gone = registry.delete(f"{V1}/alert-rules/{made['rules'][1]['id']}")
    assert gone.status_code == 200, gone.text
    tell(registry, 2, {made["id"]: {"loaded": 2}})


def answers(registry: RunningRegistry, ids: list[str]) -> dict[str, Any]:
    """What an admin is told, but for when keys were used and what is told as time goes on."""
    day = {"from": YESTERDAY.isoformat(), "to": (YESTERDAY + timedelta(hours=1)).isoformat()}
    asked: dict[str, dict[str, str]] = {
        "/agents": {"include_retired": "true"},
        **{f"/agents/{agent_id}": {} for agent_id in ids},
        **{f"/agents/{agent_id}/events": {} for agent_id in ids},
        **{f"/agents/{agent_id}/health": {} for agent_id in ids},
        f"/agents/{ids[1]}/ai-metrics": {**day, "step": "5m", "aggregation": "sum"},
        "/alerts": {},
        "/audit": {},
        "/keys": {},
        "/discovery/targets": {},
        "/discovery/state": {},
        "/rule-groups": {},
        "/alert-rules": {},
        "/sync": {},
        "/system/disagreements": {},
        "/system/status": {},
        "/system/deployment-map": {},
    }
    told: dict[str, Any] = {}
    for path, params in asked.items():
        answer = registry.get(V1 + path, params=params)
        assert answer.status_code == 200, answer.text
        told[path] = answer.json()
        told[f"ETag of {path}"] = answer.headers.get("etag")
    leave_out_what_passes(told, ids)
    return told | texts(registry)


def texts(registry: RunningRegistry) -> dict[str, str]:
    """What is told in other forms than JSON."""
    headers = {**registry.bearer(None), "accept": "text/csv"}
    listed = registry.client.get(f"{V1}/agents?include_retired=true", headers=headers)
    gauges = registry.get("/metrics/agents")
    assert (listed.status_code, gauges.status_code) == (200, 200)
    return {"CSV": listed.text, "/metrics/agents": gauges.text}


def leave_out_what_passes(told: dict[str, Any], ids: list[str]) -> None:
    """Take out of these answers what depends on when and by which registry they are given."""
    for path, names in PASSING.items():
        for *above, name in names:
            part = told[path]
            for each in above:
                part = part[each]
            del part[name]
    for key in told["/keys"]["items"]:
        del key["last_used_at"]
    for agent_id in ids:
        happened = told[f"/agents/{agent_id}/events"]
        kept = [event for event in happened["items"] if event["kind"] != "status_changed"]
        told[f"/agents/{agent_id}/events"] = kept
