"""What a refusal must look like, and what must not have changed."""

from __future__ import annotations

from typing import Any

import psycopg

from tests.registry.running import RunningRegistry


def everything(registry: RunningRegistry) -> list[Any]:
    """All that the registry keeps, but for what it does by itself: `watch`, `agent_told`."""
    statements = (
        "SELECT * FROM agents",
        # Those of status_changed come by themselves, as time goes on.
        "SELECT * FROM agent_events WHERE kind <> 'status_changed'",
        "SELECT * FROM ai_metrics",
        "SELECT * FROM alerts",
        "SELECT * FROM agent_scrapes",
        "SELECT * FROM scrape_reports",
        "SELECT * FROM rule_groups ORDER BY id",
        "SELECT * FROM alert_rules ORDER BY id",
        "SELECT * FROM rule_revisions ORDER BY group_id, number",
        "SELECT * FROM rule_syncs",
        "SELECT * FROM audit_records ORDER BY id",
        "SELECT id, name, role, revoked_at FROM api_keys WHERE name NOT LIKE 'test %' ORDER BY id",
    )
    # One connection for all: to open one takes ten times as long as to ask.
    with psycopg.connect(registry.database_url) as connection:
        return [connection.execute(statement).fetchall() for statement in statements]


def assert_problem(answer: Any, status: int, *words: str) -> None:
    """A problem document with this status, and these words somewhere in what it says."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert len(problem["detail"]) > 20
    for word in words:
        assert word in answer.text
