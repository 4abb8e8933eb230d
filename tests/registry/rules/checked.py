"""A rule that is good, and what a check says of rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pulseguard_registry.rules.checking.group import check_group
from pulseguard_registry.rules.checking.known_names import catalogue_names
from pulseguard_registry.rules.vocabulary import Finding, Rule, RuleGroup

GOOD = Rule(
    "alert",
    "AgentDown",
    'up{job="agents"} == 0',
    pending="1m",
    labels={"severity": "critical"},
    annotations={"summary": "An agent is down.", "runbook_url": "docs/runbooks.md#agentdown"},
)


def found(*rules: Rule, labels: Mapping[str, str] | None = None) -> list[Finding]:
    return check_group(RuleGroup("g", rules, labels=labels or {}), catalogue_names())


def said(expr: str, kind: str = "record") -> list[str]:
    """The messages about an expression, and nothing else."""
    rule = replace(GOOD, expr=expr)
    if kind == "record":
        rule = Rule("record", "a:b:c", expr)
    return [f"{one.level}: {one.message}" for one in found(rule) if one.field == "rules[0].expr"]
