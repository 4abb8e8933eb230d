"""Makes, changes and deletes single rules of a group, each change a revision of the group."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from pulseguard_registry.audit.recording import name_object
from pulseguard_registry.preconditions import check_match
from pulseguard_registry.problems import Fault, Problem
from pulseguard_registry.rules.fields import MOST_RULES
from pulseguard_registry.rules.groups import Writer
from pulseguard_registry.rules.kept import KeptGroup, KeptRule, group_of_rule, read_group, take_turn
from pulseguard_registry.rules.planning import changed
from pulseguard_registry.rules.schemas import RuleFields
from pulseguard_registry.rules.switches import rule_left_switched
from pulseguard_registry.rules.vocabulary import Rule, RuleGroup


@dataclass(frozen=True)
class Written:
    """A rule after a change of it, in its group."""

    group: KeptGroup
    rule: KeptRule


def with_rule(kept: KeptGroup, rule: Rule, rule_id: uuid.UUID | None) -> tuple[RuleGroup, int]:
    """The group as it would be with this rule, and the place of it there: that of the rule of this
    id, else the last."""
    rules = {each.id: each.rule for each in kept.rules} | {rule_id: rule}
    return replace(kept.group, rules=tuple(rules.values())), list(rules).index(rule_id)


def create_rule(writer: Writer, group_id: uuid.UUID, rule: Rule) -> Written:
    """A new rule, the last of its group; a 409 problem where it is there already."""
    take_turn(writer.session)
    kept = read_group(writer.session, group_id)
    if len(kept.rules) >= MOST_RULES:
        detail = f"the group has {MOST_RULES} rules, and that is all it takes; use another group"
        raise Problem(409, detail)
    rule_id = uuid.uuid4()
    written = _put(writer, kept, rule_id, rule)
    name_object(writer.session, rule_id)
    return written


def replace_rule(writer: Writer, rule_id: uuid.UUID, sent: RuleFields, tags: list[str]) -> Written:
    """The rule as it is to be from now on; the same again changes nothing."""
    kept = _lock(writer, rule_id, tags)
    rule = rule_left_switched(kept.find(rule_id).rule, sent.rule(), sent)
    return _put(writer, kept, rule_id, rule)


def enable_rule(
    writer: Writer, rule_id: uuid.UUID, tags: list[str] | None, *, enabled: bool
) -> Written:
    """Have Prometheus take the rule, or leave it."""
    kept = _lock(writer, rule_id, tags)
    rule = replace(kept.find(rule_id).rule, enabled=enabled)
    return _put(writer, kept, rule_id, rule)


def delete_rule(writer: Writer, rule_id: uuid.UUID, tags: list[str] | None) -> Written:
    """Delete a rule; returns the group without it, and what the rule was."""
    kept = _lock(writer, rule_id, tags)
    rest = [each for each in kept.rules if each.id != rule_id]
    group = replace(kept.group, rules=tuple(each.rule for each in rest))
    writer.write(changed(kept, group, [each.id for each in rest]))
    return Written(read_group(writer.session, kept.id), kept.find(rule_id))


def _lock(writer: Writer, rule_id: uuid.UUID, tags: list[str] | None) -> KeptGroup:
    take_turn(writer.session)
    kept = group_of_rule(writer.session, rule_id)
    check_match(tags, kept.find(rule_id).revision)
    return kept


def _put(writer: Writer, kept: KeptGroup, rule_id: uuid.UUID, rule: Rule) -> Written:
    """Write the group with this rule in its place, or as its last. It was checked before: others
    wait here for their turn."""
    _refuse_twin(kept, rule_id, rule)
    group, _ = with_rule(kept, rule, rule_id)
    writer.write(changed(kept, group, list(dict.fromkeys([*kept.rule_ids, rule_id]))))
    now = read_group(writer.session, kept.id)
    return Written(now, now.find(rule_id))


def _refuse_twin(kept: KeptGroup, rule_id: uuid.UUID, rule: Rule) -> None:
    """A 409 problem where another rule of the group has the same kind, name and labels, with those
    of the group."""
    for other in kept.rules:
        if other.id != rule_id and _evaluated_as(kept, other.rule) == _evaluated_as(kept, rule):
            message = (
                f"is with these labels that of the rule {other.id} of this group; change that one,"
                " or give this one another label"
            )
            fault = Fault(field="name", value=rule.name, message=message)
            raise Problem(409, f"name: {message}", errors=[fault])


def _evaluated_as(kept: KeptGroup, rule: Rule) -> tuple[object, ...]:
    return rule.kind, rule.name, {**kept.group.labels, **rule.labels}
