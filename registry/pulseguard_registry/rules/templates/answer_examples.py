"""An example of each answer about templates, by the name of its model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Json = dict[str, Any]  # Any: JSON

_TEMPLATE: Final[Json] = {
    "id": "cost-per-hour",
    "title": "Cost per hour",
    "purpose": "An agent spends more an hour than its budget, over 15 minutes.",
    "alert": "AgentOverBudget",
    "parameters": [
        {
            "name": "budget",
            "title": "What it may spend an hour",
            "type": "number",
            "unit": "USD",
            "default": 10,
            "minimum": 0,
            "maximum": 1_000_000,
            "choices": [],
        }
    ],
}
_BUILD: Final[Json] = {
    "rule": {
        "kind": "alert",
        "name": "AgentOverBudget",
        "expr": 'pulseguard:agent_cost_usd_per_hour:mean15m{environment="production"} > 10',
        "for": "10m",
        "labels": {"severity": "warning"},
        "annotations": {"summary": "An agent spends more than its budget.", "threshold": "10"},
    },
    "findings": [],
}

TEMPLATE_ANSWERS: Final[Mapping[str, Json]] = {
    "RuleTemplates": {"items": [_TEMPLATE]},
    "RuleTemplate": _TEMPLATE,
    "Build": _BUILD,
}
