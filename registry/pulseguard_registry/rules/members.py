"""Makes, changes and deletes single rules of a group, each change a revision of the group."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pulseguard_registry.audit.recording import name_object
from pulseguard_registry.preconditions import check_match
from pulseguard_registry.problems import Fault, Problem
from pulseguard_registry.rules.checking.known_names import KnownNames
from pulseguard_registry.rules.fields import MOST_RULES
from pulseguard_registry.rules.findings import find_in_rule, refuse_errors
from pulseguard_registry.rules.groups import Writer
from pulseguard_registry.rules.kept import KeptGroup, KeptRule, group_of_rule, read_group, take_turn
from pulseguard_registry.rules.planning import changed
from pulseguard_registry.rules.vocabulary import Finding, Rule


@dataclass(frozen=True)
class Written:
    """A rule after a change of it, in its group, and what was found in it."""

    group: KeptGroup
    rule: KeptRule
    findings: Sequence[Finding] = ()


def create_rule(writer: Writer, group_id: uuid.UUID, rule: Rule, known: KnownNames) -> Written:
    """A new rule, the last of its group; a 409 problem where it is there already."""
    take_turn(writer.session)
    kept = read_group(writer.session, group_id)
    if len(kept.rules) >= MOST_RULES:
        detail = f"the group has {MOST_RULES} rules, and that is all it takes; use another group"
        raise Problem(409, detail)
    rule_id = uuid.uuid4()
    written = _put(writer, kept, [*kept.rules], rule_id, rule, known)
    name_object(writer.session, rule_id)
    return written


def replace_rule(
    writer: Writer, rule_id: uuid.UUID, rule: Rule, tags: list[str], known: KnownNames
) -> Written:
    """The rule as it is to be from now on; the same again changes nothing."""
    kept = _lock(writer, rule_id, tags)
    return _put(writer, kept, kept.rules, rule_id, rule, known)


def enable_rule(
    writer: Writer, rule_id: uuid.UUID, tags: list[str] | None, *, enabled: bool
) -> Written:
    """Have Prometheus take the rule, or leave it."""
    kept = _lock(writer, rule_id, tags)
    rule = replace(kept.find(rule_id).rule, enabled=enabled)
    return _put(writer, kept, kept.rules, rule_id, rule, None)


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


def _put(
    writer: Writer,
    kept: KeptGroup,
    rules: Sequence[KeptRule],
    rule_id: uuid.UUID,
    rule: Rule,
    known: KnownNames | None,
) -> Written:
    """Write the group with this rule in its place, or as its last; without known names unchecked,
    where the rule was checked before."""
    _refuse_twin(kept, rule_id, rule)
    wanted = {each.id: each.rule for each in rules} | {rule_id: rule}
    group = replace(kept.group, rules=tuple(wanted.values()))
    findings: list[Finding] = []
    if known is not None:
        findings = find_in_rule(group, list(wanted).index(rule_id), known)
        refuse_errors(findings)
    writer.write(changed(kept, group, list(wanted)))
    now = read_group(writer.session, kept.id)
    return Written(now, now.find(rule_id), findings)


def _refuse_twin(kept: KeptGroup, rule_id: uuid.UUID, rule: Rule) -> None:
    """A 409 problem where another rule of the group has the same kind, name and labels."""
    for other in kept.rules:
        there = other.rule
        is_twin = (there.kind, there.name, there.labels) == (rule.kind, rule.name, rule.labels)
        if is_twin and other.id != rule_id:
            message = (
                f"is with these labels that of the rule {other.id} of this group; change that one,"
                " or give this one another label"
            )
            fault = Fault(field="name", value=rule.name, message=message)
            raise Problem(409, f"name: {message}", errors=[fault])
