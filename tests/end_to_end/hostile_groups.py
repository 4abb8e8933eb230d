"""Groups that hold texts in every field that takes any, and what others make of them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from pulseguard_registry.rules.templates.quoting import quoted

# Of a group and of its only rule: every field that takes any text.
OF_GROUP = ("name", "owner", "labels.of_group")
OF_RULE = ("name", "expr", "labels.text", "annotations.text", "severity", "runbook_url")
PLACES = (*OF_GROUP, *(f"rules.0.{place}" for place in OF_RULE))
SAFE = "safe"

Texts = dict[str, str]


# Any: JSON.
def group_of(number: int, texts: Mapping[str, str]) -> dict[str, Any]:
    """A group that holds these texts by their places, and at all others what nobody minds."""
    at = {place: texts.get(place, f"{SAFE}_{number}") for place in PLACES}
    return {
        "name": at["name"],
        "owner": at["owner"],
        "labels": {"of_group": at["labels.of_group"]},
        "rules": [
            {
                "kind": "alert",
                "name": at["rules.0.name"],
                "expr": f"absent(up{{job={literal(number, at['rules.0.expr'])}}})",
                "labels": {"text": at["rules.0.labels.text"]},
                "annotations": {"text": at["rules.0.annotations.text"]},
                "severity": at["rules.0.severity"],
                "runbook_url": at["rules.0.runbook_url"],
            }
        ],
    }


def literal(number: int, text: str) -> str:
    """The text as a string of PromQL, of both kinds."""
    return f"`{text}`" if number % 2 and "`" not in text else quoted(text)


# Any: see above.
def as_sent(answered: Mapping[str, Any]) -> dict[str, Any]:
    """What a group was that is answered so."""
    (rule,) = answered["rules"]
    marks = {"severity": rule["severity"], "runbook_url": rule["runbook_url"]}
    labels = {name: text for name, text in rule["labels"].items() if name != "severity"}
    said = {name: text for name, text in rule["annotations"].items() if name != "runbook_url"}
    fields = {name: rule[name] for name in ("kind", "name", "expr")}
    return {
        **{name: answered[name] for name in ("name", "owner", "labels")},
        "rules": [{**fields, "labels": labels, "annotations": said, **marks}],
    }


# Any: see above.
def as_rule(group: Mapping[str, Any]) -> tuple[str, Texts, Texts]:
    """Name, labels and annotations of its rule, as Prometheus has them."""
    (rule,) = group["rules"]
    labels = rule["labels"] | group["labels"] | {"severity": rule["severity"]}
    return rule["name"], labels, {**rule["annotations"], "runbook_url": rule["runbook_url"]}


def in_query(query: str) -> str:
    """The text in an expression of ours; Prometheus writes it as Go does, with the same escapes."""
    written = query.removeprefix("absent(up{job=").removesuffix("})")
    return written[1:-1] if written.startswith("`") else str(ast.literal_eval(written))
