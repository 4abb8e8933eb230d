"""Whether groups and rules stay enabled, or disabled, where that is not sent."""

from __future__ import annotations

import uuid
from dataclasses import replace

from pulseguard_registry.rules.kept import KeptGroup
from pulseguard_registry.rules.planning import match_rules
from pulseguard_registry.rules.schemas import RuleFields, RuleGroupSent
from pulseguard_registry.rules.vocabulary import Rule, RuleGroup


def left_switched(kept: KeptGroup, group: RuleGroup, sent: RuleGroupSent) -> RuleGroup:
    """The group as it was sent, it and its rules enabled or not as they were where that was not:
    rule files have no word for it, and what somebody has disabled at night is not to come back with
    the next change of anything else."""
    ids = match_rules(kept, group.rules, [each.id for each in sent.rules], uuid.uuid4)
    were = {each.id: each.rule for each in kept.rules}
    rules = tuple(
        rule_left_switched(were.get(rule_id), rule, each)
        for rule, each, rule_id in zip(group.rules, sent.rules, ids, strict=True)
    )
    enabled = group.enabled if _is_said(sent) else kept.group.enabled
    return replace(group, rules=rules, enabled=enabled)


def rule_left_switched(was: Rule | None, rule: Rule, sent: RuleFields) -> Rule:
    """The rule as it was sent, enabled or not as it was where that was not."""
    if was is None or _is_said(sent):
        return rule
    return replace(rule, enabled=was.enabled)


def _is_said(sent: RuleGroupSent | RuleFields) -> bool:
    return "enabled" in sent.model_fields_set
