"""Groups and rules as tests send them, and one that is there under known ids."""

from __future__ import annotations

import json
import uuid
from typing import Any

from sqlalchemy import text

from pulseguard_registry.rules.render import with_header
from tests.registry.running import RunningRegistry

GROUPS, RULES = "/api/v1/rule-groups", "/api/v1/alert-rules"
# As the examples of the document name it.
GROUP_ID = "0f8c4b0e-3f0e-5a52-8f5e-0a4a1f0f7a55"
RULE_ID = "7d1f4a58-5b0e-4f0c-9b57-1c2d3e4f5a6b"

_RESET = """
DELETE FROM rule_groups;
DELETE FROM rule_revisions;
INSERT INTO rule_groups (id, name, revision, content) VALUES (:group_id, 'there', 1, :content);
INSERT INTO alert_rules (id, group_id, position, kind, name, expr, revision)
VALUES (:rule_id, :group_id, 0, 'alert', 'There', 'vector(1)', 1);
INSERT INTO rule_revisions
       (group_id, number, author, message, action, document, diff, changes, rules)
VALUES (:group_id, 1, 'tests', '', 'created', CAST(:document AS jsonb), '', '[]',
        ARRAY[CAST(:rule_id AS uuid)])
"""


def rule(name: str = "Slow", **fields: Any) -> dict[str, Any]:
    """A rule that holds."""
    return {"kind": "alert", "name": name, "expr": "vector(1) > 0", "for": "5m", **fields}


def group(name: str = "agents", *rules: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A group that holds, with one rule where none is given."""
    return {"name": name, "rules": list(rules) or [rule()], **fields}


def make_group(registry: RunningRegistry, *rules: dict[str, Any], **fields: Any) -> Any:
    """A new group; returns it as it was answered."""
    answer = registry.post(GROUPS, group(fields.pop("name", "agents"), *rules, **fields))
    assert answer.status_code == 201, answer.text
    return answer.json()


def reset_rules(registry: RunningRegistry) -> None:
    """One group with one rule, under the known ids, and no other."""
    document = group("there", {**rule("There", expr="vector(1)"), "id": RULE_ID})
    values = {
        "group_id": GROUP_ID,
        "rule_id": RULE_ID,
        "document": json.dumps(document),
        "content": with_header(uuid.UUID(GROUP_ID), 1, "groups: []\n"),
    }
    with registry.app.state.database.sessions.begin() as session:
        for statement in _RESET.split(";\n"):
            session.execute(text(statement), values)


def tell(
    registry: RunningRegistry,
    version: int,
    loads: dict[str, Any],
    prometheus: str = "main",
    trouble: str = "",
) -> None:
    """What stands beside a Prometheus tells of it."""
    body = {"version": version, "groups": loads, "trouble": trouble}
    answer = registry.client.put(
        f"/api/v1/sync/{prometheus}/rules", json=body, headers=registry.bearer(None)
    )
    assert answer.status_code == 204, answer.text
