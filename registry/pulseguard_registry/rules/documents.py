"""A group as a JSON document: what a revision keeps, in the shape in which it is sent."""

from __future__ import annotations

import difflib
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from pulseguard_registry.rules.render import body_of
from pulseguard_registry.rules.vocabulary import Rule, RuleGroup

Document = dict[str, Any]  # Any: JSON

# On the wire as Prometheus has it, where Python has another use for the word.
_WIRE: Final = {"pending": "for"}


def document_of(group: RuleGroup, ids: Sequence[uuid.UUID]) -> Document:
    """The whole group, its rules with their ids."""
    return {
        "name": group.name,
        "interval": group.interval,
        "limit": group.limit,
        "labels": dict(group.labels),
        "owner": group.owner,
        "enabled": group.enabled,
        "rules": [
            {"id": str(rule_id)} | rule_document(rule)
            for rule, rule_id in zip(group.rules, ids, strict=True)
        ],
    }


def rule_document(rule: Rule) -> Document:
    """One rule, by the names of the wire."""
    values = ((each.name, getattr(rule, each.name)) for each in fields(rule))
    return {
        _WIRE.get(name, name): dict(value) if isinstance(value, Mapping) else value
        for name, value in values
    }


def diff_of(before: str | None, after: str | None) -> str:
    """A unified diff of two files of a group, without their headers; empty where that is the same.
    None is a file that is not there."""
    old, new = (
        [] if content is None else body_of(content).splitlines(keepends=True)
        for content in (before, after)
    )
    return "".join(difflib.unified_diff(old, new, "before", "after"))


def changed_fields(before: Document | None, after: Document | None) -> list[str]:
    """Where two documents of one group differ: `interval`, `rules.Slow.expr`; a rule that came or
    went as a whole, `rules.Slow`; and `rules` where only their order is another."""
    if before is None or after is None:
        return []
    found = [name for name in after if name != "rules" and before[name] != after[name]]
    old, new = ({rule["id"]: rule for rule in each["rules"]} for each in (before, after))
    found += _changed_rules(old, new)
    stayed = [[each for each in one if each in other] for one, other in ((old, new), (new, old))]
    if stayed[0] != stayed[1]:
        found.append("rules")
    return list(dict.fromkeys(found))


def _changed_rules(old: Mapping[str, Document], new: Mapping[str, Document]) -> Iterator[str]:
    for rule_id in {**old, **new}:
        one, other = old.get(rule_id), new.get(rule_id)
        if one is None or other is None:
            yield f"rules.{(one or other or {})['name']}"
        else:
            yield from (f"rules.{other['name']}.{key}" for key in other if one[key] != other[key])
