"""An example of each answer about rules, by the name of its model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Json = dict[str, Any]  # Any: JSON

_GROUP_ID: Final = "0f8c4b0e-3f0e-5a52-8f5e-0a4a1f0f7a55"
_RULE_ID: Final = "7d1f4a58-5b0e-4f0c-9b57-1c2d3e4f5a6b"
_KEY_ID: Final = "e59a4bd6-de95-4a77-b977-d432ea501dc4"
_EARLIER, _NOW = "2026-11-28T09:00:00Z", "2026-11-28T10:00:00Z"
_DIFF: Final = "--- before\n+++ after\n@@ -1,3 +1,3 @@\n-    for: 5m\n+    for: 10m\n"

_BODY: Final[Json] = {
    "kind": "alert",
    "name": "InvoiceBotSlow",
    "expr": "agent:model_call:seconds_p95 > 5",
    "for": "10m",
    "keep_firing_for": None,
    "labels": {"severity": "warning"},
    "annotations": {"summary": "{{ $labels.agent }} is slow"},
    "enabled": True,
}
_SYNCED: Final[Json] = {
    "state": "rejected",
    "sync": [
        {
            "prometheus": "main",
            "state": "rejected",
            "revision": 2,
            "reason": "parse error: unexpected end of input",
            "told_at": _NOW,
        }
    ],
}
_TIMES: Final[Json] = {"created_at": _EARLIER, "changed_at": _NOW}
_OF_GROUP: Final[Json] = _BODY | {
    "id": _RULE_ID,
    "revision": 3,
    "severity": "warning",
    "runbook_url": None,
}
_RULE: Final[Json] = {
    **_OF_GROUP,
    **_SYNCED,
    **_TIMES,
    "group_id": _GROUP_ID,
    "group": "invoices",
    "owner": "finance",
}
_FIELDS: Final[Json] = {
    "name": "invoices",
    "interval": "30s",
    "limit": 0,
    "labels": {"team": "finance"},
    "owner": "finance",
    "enabled": True,
}
_GROUP: Final[Json] = {
    **_FIELDS,
    **_SYNCED,
    **_TIMES,
    "id": _GROUP_ID,
    "revision": 3,
    "rules": [_OF_GROUP],
}
_FINDING: Final[Json] = {
    "level": "warning",
    "rule": "InvoiceBotSlow",
    "field": "rules.0.annotations.runbook_url",
    "value": None,
    "message": "is missing; say where it is written what to do",
}
_WARNINGS: Final[Json] = {"warnings": [_FINDING]}
_CHANGED: Final[Json] = {
    "group_id": _GROUP_ID,
    "number": 3,
    "at": _NOW,
    "author": "ops",
    "author_id": _KEY_ID,
    "message": "it fired at night",
    "action": "changed",
    "changes": ["rules.InvoiceBotSlow.for"],
    "rules": [_RULE_ID],
    "diff": _DIFF,
}
_SENT: Final[Json] = {
    **_FIELDS,
    "rules": [
        {name: value for name, value in _BODY.items() if name not in ("severity", "runbook_url")}
        | {"id": _RULE_ID}
    ],
}
_APPLIED: Final[Json] = {
    **_SYNCED,
    "id": _GROUP_ID,
    "name": "invoices",
    "outcome": "changed",
    "revision": 3,
    "changes": ["rules.InvoiceBotSlow.for"],
    "removed": [],
    "diff": _DIFF,
}
_SYNC: Final[Json] = {
    "name": "main",
    "current": True,
    "told_at": _NOW,
    "version": 17,
    "trouble": "",
    "pending": 0,
    "loaded": 11,
    "rejected": 1,
    "scrapes_told_at": _NOW,
    "scrapes_current": True,
}

_WHO: Final[Json] = {"agent": "invoice-bot", "instance": "web-1-0", "severity": "warning"}
_PREVIEW: Final[Json] = {
    "at": _NOW,
    "series": 1,
    "firing": 1,
    "now": [{"labels": _WHO, "value": "6.1", "state": "firing", "since": _NOW}],
    "hours": 24,
    "step_seconds": 60,
    "fired": 1,
    "fired_for_agents": 1,
    "past": [{"labels": _WHO, "began": _NOW, "ended": None, "value": "6.1"}],
}


def _page(item: Json) -> Json:
    return {"items": [item], "next_cursor": None}


RULE_ANSWERS: Final[Mapping[str, Json]] = {
    "RuleGroupShown": _GROUP,
    "RuleGroupPage": _page(_GROUP),
    "WrittenRuleGroup": _GROUP | _WARNINGS,
    "DeletedRuleGroupPage": _page(
        {
            "id": _GROUP_ID,
            "name": "invoices",
            "revision": 4,
            "deleted_at": _NOW,
            "author": "ops",
            "message": "nobody needs it",
        }
    ),
    "RuleShown": _RULE,
    "RulePage": _page(_RULE),
    "WrittenRule": _RULE | _WARNINGS,
    "Removed": {
        **_SYNCED,
        "id": _RULE_ID,
        "name": "InvoiceBotSlow",
        "group_id": _GROUP_ID,
        "revision": 4,
    },
    "Findings": {"findings": [_FINDING]},
    "Revision": _CHANGED | {"document": _SENT},
    "RevisionPage": _page(_CHANGED),
    "AppliedAll": {"dry_run": False, "state": "rejected", "groups": [_APPLIED], **_WARNINGS},
    "Preview": _PREVIEW,
    "Syncs": {"version": 17, "prometheus": [_SYNC]},
}
