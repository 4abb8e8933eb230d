"""Writes groups as a rule file that people read and keep in a repository."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import yaml

from pulseguard_registry.rules.vocabulary import Rule, RuleGroup

_UNFIT: Final = re.compile(r"[^A-Za-z0-9._-]+")
# A line of any length stays one: an expression that is broken anywhere cannot be searched for.
_WIDTH: Final = 1 << 30


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as such."""

    # PyYAML's own list items begin where their parent does, which Prometheus' files do not.
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def render_rule_file(groups: Sequence[RuleGroup]) -> str:
    """One file with these groups, as `promtool check rules` takes it.

    What is disabled is named in a comment, for a file has no other word for it: applied again, it
    stays so. A group's own labels are there as such, which Prometheus knows since 3.0.
    """
    document = {"groups": [_group(group) for group in groups]}
    text: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH
    )
    return "".join(map(_switched_off, groups)) + text


def enabled_part(group: RuleGroup) -> RuleGroup:
    """The group without its disabled rules."""
    return replace(group, rules=tuple(rule for rule in group.rules if rule.enabled))


def file_names_of(groups: Iterable[RuleGroup]) -> Mapping[str, RuleGroup]:
    """A file name for each group, made of its name; none is another's, whatever the case."""
    names: dict[str, RuleGroup] = {}
    taken: set[str] = set()
    for group in groups:
        stem = _UNFIT.sub("-", group.name).strip(".-") or "group"
        numbered = (f"{stem}-{number}" if number > 1 else stem for number in itertools.count(1))
        name = next(name for name in numbered if name.lower() not in taken)
        taken.add(name.lower())
        names[f"{name}.yml"] = group
    return names


def _switched_off(group: RuleGroup) -> str:
    """In JSON's quotes: no name ends a comment."""
    rules = [json.dumps(rule.name) for rule in group.rules if not rule.enabled]
    if not group.enabled:
        return f"# Disabled: the group {json.dumps(group.name)}\n"
    return f"# Disabled in {json.dumps(group.name)}: {', '.join(rules)}\n" if rules else ""


# Any: a document for YAML.
def _group(group: RuleGroup) -> Mapping[str, Any]:
    return _without_nothing(
        {
            "name": group.name,
            "interval": group.interval,
            "limit": group.limit or None,
            "labels": dict(group.labels),
            "rules": [_rule(rule) for rule in group.rules],
        }
    )


def _rule(rule: Rule) -> Mapping[str, Any]:  # Any: see above
    return _without_nothing(
        {
            rule.kind: rule.name,
            "expr": rule.expr,
            "for": rule.pending,
            "keep_firing_for": rule.keep_firing_for,
            "labels": dict(rule.labels),
            "annotations": dict(rule.annotations),
        }
    )


def _without_nothing(fields: Mapping[str, Any]) -> Mapping[str, Any]:  # Any: see above
    return {name: value for name, value in fields.items() if value not in (None, {})}
