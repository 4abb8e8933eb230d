"""What happens to an agent, and what is told of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.registry.running import RunningRegistry

AGENTS = "/api/v1/agents"


def heartbeat(registry: RunningRegistry, agent_id: str, **body: object) -> None:
    """Send a heartbeat that must be taken."""
    answer = registry.post(f"{AGENTS}/{agent_id}/heartbeat", body)
    assert answer.status_code == 200, answer.text


def change(registry: RunningRegistry, method: str, path: str, body: Any = None) -> Any:
    """Change whatever is there."""
    headers = {**registry.bearer(None), "if-match": "*"}
    answer = registry.client.request(method, f"{AGENTS}/{path}", json=body, headers=headers)
    assert answer.status_code < 300, answer.text
    return answer


def events(registry: RunningRegistry, agent_id: str, **filters: Any) -> list[dict[str, Any]]:
    """The events of an agent, the oldest first."""
    answer = registry.get(f"{AGENTS}/{agent_id}/events", params=filters)
    assert answer.status_code == 200, answer.text
    return list(reversed(answer.json()["items"]))


def told(registry: RunningRegistry, agent_id: str) -> list[str]:
    """The kinds of events that writes tell, the oldest first."""
    kinds = [event["kind"] for event in events(registry, agent_id)]
    return [kind for kind in kinds if kind != "status_changed"]


def moves(registry: RunningRegistry, agent_id: str) -> list[tuple[str, str, str | None]]:
    """The changes of status: from, to, reason."""
    found = events(registry, agent_id, kind="status_changed")
    return [(event["from"], event["to"], event["detail"]["reason"]) for event in found]


def ahead(**time: float) -> str:
    """A moment that comes."""
    return (datetime.now(UTC) + timedelta(**time)).isoformat()
