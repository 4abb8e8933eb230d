"""What a group as it is to be changes of the group that there is: decided without a database."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from pulseguard_registry.rules.documents import Document, changed_fields, diff_of, document_of
from pulseguard_registry.rules.kept import KeptGroup
from pulseguard_registry.rules.render import render_body, with_header
from pulseguard_registry.rules.vocabulary import Rule, RuleGroup

Action = Literal["created", "changed", "enabled", "disabled", "rolled_back", "deleted"]


@dataclass(frozen=True)
class Change:
    """One group before and after; `number` is that of the revision which it makes.

    `rule_ids` are those of the rules after it, in their order.
    """

    group_id: uuid.UUID
    number: int
    action: Action
    before: KeptGroup | None
    after: RuleGroup | None
    rule_ids: tuple[uuid.UUID, ...] = ()

    @cached_property
    def document(self) -> Document | None:
        """What the revision keeps; None where the group is deleted."""
        return None if self.after is None else document_of(self.after, self.rule_ids)

    @cached_property
    def content(self) -> str | None:
        """The file that Prometheus is to read; None where it is to have none."""
        body = "" if self.after is None else render_body(self.after)
        return with_header(self.group_id, self.number, body) if body else None

    @cached_property
    def shared_number(self) -> int:
        """The revision with which changed last what all rules have of the group."""
        before, after = self.before, self.after
        if before is None or after is None:
            return self.number
        is_same = replace(before.group, rules=(), owner="") == replace(after, rules=(), owner="")
        return before.shared_revision if is_same else self.number

    @cached_property
    def diff(self) -> str:
        """Of what Prometheus reads."""
        return diff_of(None if self.before is None else self.before.content, self.content)

    @cached_property
    def fields(self) -> list[str]:
        """Which fields differ."""
        before = self.before
        old = None if before is None else document_of(before.group, before.rule_ids)
        return changed_fields(old, self.document)

    @cached_property
    def removed(self) -> list[str]:
        """The names of the rules that are there no more."""
        before = () if self.before is None else self.before.rules
        return [kept.rule.name for kept in before if kept.id not in self.rule_ids]

    @cached_property
    def touched(self) -> list[uuid.UUID]:
        """The rules that came, went or differ: not those that only have another place."""
        old = {} if self.before is None else {kept.id: kept.rule for kept in self.before.rules}
        rules = () if self.after is None else self.after.rules
        new = dict(zip(self.rule_ids, rules, strict=True))
        return [each for each in {**old, **new} if old.get(each) != new.get(each)]


def created(
    group: RuleGroup,
    ids: Sequence[uuid.UUID | None],
    group_id: uuid.UUID,
    number: int = 1,
    action: Action = "created",
    new_id: Callable[[], uuid.UUID] = uuid.uuid4,
) -> Change:
    """A group that was not there."""
    rule_ids = tuple(each or new_id() for each in ids)
    return Change(group_id, number, action, None, group, rule_ids)


def changed(
    before: KeptGroup,
    group: RuleGroup,
    ids: Sequence[uuid.UUID | None],
    action: Action = "changed",
    new_id: Callable[[], uuid.UUID] = uuid.uuid4,
) -> Change | None:
    """A group that is to be this one; None where it is already."""
    rule_ids = tuple(match_rules(before, group.rules, ids, new_id))
    if before.group == group and rule_ids == before.rule_ids:
        return None
    return Change(before.id, before.revision + 1, action, before, group, rule_ids)


def deleted(before: KeptGroup) -> Change:
    """A group that is to be no more."""
    return Change(before.id, before.revision + 1, "deleted", before, None)


def match_rules(
    before: KeptGroup,
    rules: Sequence[Rule],
    given: Sequence[uuid.UUID | None],
    new_id: Callable[[], uuid.UUID],
) -> list[uuid.UUID]:
    """The ids of these rules, of which some are given: that of the rule of the same kind, name and
    labels before, else of the same kind and name, else a new one."""
    found: list[uuid.UUID | None] = list(given)
    for key in (_in_full, _by_name):
        free: defaultdict[object, list[uuid.UUID]] = defaultdict(list)
        for kept in before.rules:
            if kept.id not in found:
                free[key(kept.rule)].append(kept.id)
        for place, rule in enumerate(rules):
            if found[place] is None and (ids := free[key(rule)]):
                found[place] = ids.pop(0)
    return [each or new_id() for each in found]


def _in_full(rule: Rule) -> object:
    return rule.kind, rule.name, frozenset(rule.labels.items())


def _by_name(rule: Rule) -> object:
    return rule.kind, rule.name
