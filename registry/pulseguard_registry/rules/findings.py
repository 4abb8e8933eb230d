"""What checking finds, in the words of the API: errors refuse, warnings are told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from pulseguard_registry.problems import Fault, Problem, shown
from pulseguard_registry.rules.checking.group import check_group, check_rule
from pulseguard_registry.rules.checking.known_names import KnownNames
from pulseguard_registry.rules.vocabulary import Finding, Rule, RuleGroup

# Places in a request are written with dots, here as for all that is wrong with one.
_PLACE: Final = re.compile(r"\[(\d+)\]")
_OF_RULE: Final = re.compile(r"rules\.(\d+)\.?")


def find(group: RuleGroup, known: KnownNames) -> list[Finding]:
    """All that is wrong with a group, errors first; each field as its sender knows it, and each
    value as it may stand in an answer, which else repeats a long one with every finding."""
    return _as_sent(check_group(group, known))


def find_in_rule(group: RuleGroup, place: int, known: KnownNames) -> list[Finding]:
    """What is wrong with one rule of a group, by the fields of the rule."""
    found = []
    for each in _as_sent(check_rule(group, place, known)):
        inside = _OF_RULE.match(each.field)
        if inside is not None and int(inside[1]) == place:
            found.append(replace(each, field=each.field[inside.end() :] or "rule"))
    return found


def _as_sent(findings: Iterable[Finding]) -> list[Finding]:
    return [
        replace(
            each,
            field=_PLACE.sub(r".\1", each.field),
            value=None if each.value is None else shown(each.value),
        )
        for each in findings
    ]


def find_alone(rule: Rule, known: KnownNames) -> list[Finding]:
    """What is wrong with a rule that is in no group yet."""
    return find_in_rule(RuleGroup("checked", (rule,)), 0, known)


def within(findings: Iterable[Finding], prefix: str) -> list[Finding]:
    """The same of a part of what was sent."""
    return [replace(each, field=f"{prefix}{each.field}") for each in findings]


def refuse_errors(findings: Sequence[Finding]) -> None:
    """A 422 problem with all errors, if there are any."""
    errors = errors_of(findings)
    if not errors:
        return
    faults = [Fault(field=each.field, value=each.value, message=each.message) for each in errors]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    raise Problem(422, f"{faults[0].field}: {faults[0].message}{more}", errors=faults)


def errors_of(findings: Iterable[Finding]) -> list[Finding]:
    """Those that refuse."""
    return [each for each in findings if each.level == "error"]


def warnings_of(findings: Iterable[Finding]) -> list[Finding]:
    """Those that refuse nothing."""
    return [each for each in findings if each.level == "warning"]
