"""What a database holds, in the terms in which a crowd notes what it was told is stored."""

from __future__ import annotations

import psycopg

FACTS = (
    "SELECT agent_id, taken_at FROM ai_metrics",
    "SELECT name FROM agents",
    "SELECT agent_id, became FROM agent_events WHERE kind = 'version_changed'",
    "SELECT agent_id, kind FROM agent_events WHERE kind IN ('retired', 'restored')",
    "SELECT id, 'made' FROM api_keys",
    "SELECT id, 'revoked' FROM api_keys WHERE revoked_at IS NOT NULL",
    "SELECT fingerprint, status FROM alerts",
)


def stored(database_url: str) -> set[object]:
    """All of it, at one moment."""
    with psycopg.connect(database_url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        rows = [row for query in FACTS for row in connection.execute(query)]
    return {row if len(row) > 1 else row[0] for row in rows}
