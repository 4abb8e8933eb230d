"""Checks a group as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from pulseguard_registry.rules.checking.expressions import read
from pulseguard_registry.rules.checking.firing import fires_always
from pulseguard_registry.rules.checking.known_names import KnownNames
from pulseguard_registry.rules.checking.literal_arguments import never_evaluated
from pulseguard_registry.rules.checking.metric_use import questionable
from pulseguard_registry.rules.checking.severity import strange_severity
from pulseguard_registry.rules.checking.template_faults import read_text
from pulseguard_registry.rules.vocabulary import (
    RUNBOOK_ANNOTATION,
    SEVERITY_LABEL,
    Finding,
    Level,
    Rule,
    RuleGroup,
)

SUMMARY_ANNOTATION: Final = "summary"
# Of one rule: more than anybody mends at once, and not what a text of thousands of names makes.
MOST_FINDINGS: Final = 50

_RECORDED = re.compile(r"[a-zA-Z_]\w*:[a-zA-Z_]\w*:[a-zA-Z_]\w*", re.ASCII)


def check_group(group: RuleGroup, known: KnownNames) -> list[Finding]:
    """Every fault of the group and its rules at once, errors first; of a rule with more than
    MOST_FINDINGS the first ones, and how many more there are."""
    besides = _names_of(group)
    found = [
        finding
        for index, rule in enumerate(group.rules)
        for finding in _bounded(_Check(group, rule, index, known, besides).findings())
    ]
    return _errors_first(found)


def check_rule(group: RuleGroup, index: int, known: KnownNames) -> list[Finding]:
    """The same of one rule of the group: the others are not looked into."""
    check = _Check(group, group.rules[index], index, known, _names_of(group))
    return _bounded(check.findings())


def _bounded(findings: Iterable[Finding]) -> list[Finding]:
    found = _errors_first(findings)
    if len(found) <= MOST_FINDINGS:
        return found
    first = found[MOST_FINDINGS]
    message = f"has {len(found) - MOST_FINDINGS} more findings; mend those that are told first"
    return [*found[:MOST_FINDINGS], replace(first, value=None, message=message)]


def _errors_first(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: finding.level != "error")


def _names_of(group: RuleGroup) -> KnownNames:
    """What the group's own rules record, and the labels that they add."""
    recorded = {rule.name: "gauge" for rule in group.rules if rule.kind == "record"}
    labels = {name for rule in group.rules for name in rule.labels} | set(group.labels)
    return KnownNames(recorded, frozenset(labels))


class _Check:
    """The check of one rule of a group."""

    def __init__(
        self, group: RuleGroup, rule: Rule, index: int, known: KnownNames, besides: KnownNames
    ) -> None:
        self._group = group
        self._rule = rule
        self._index = index
        self._known = known
        self._besides = besides

    def findings(self) -> Iterator[Finding]:
        """All of them, errors and warnings in the order of the fields."""
        yield from self._expression()
        if self._rule.kind == "alert":
            yield from self._texts()
            yield from self._missing()
        elif not _RECORDED.fullmatch(self._rule.name):
            yield self._warning(
                "record", self._rule.name, "is not named like level:metric:operations"
            )

    def _expression(self) -> Iterator[Finding]:
        text = self._rule.expr
        reading = read(text)
        yield from (self._error("expr", text, fault) for fault in reading.faults)
        if reading.tree is None:
            return
        yield from (self._error("expr", text, fault) for fault in never_evaluated(reading.tree))
        for sentence in questionable(reading.tree, self._known, self._besides):
            yield self._warning("expr", text, sentence)
        if self._rule.kind == "alert":
            always = fires_always(reading.tree)
            if always is not None:
                yield self._warning("expr", text, always)

    def _texts(self) -> Iterator[Finding]:
        for part in ("labels", "annotations"):
            for name, text in getattr(self._rule, part).items():
                reading = read_text(text, self._rule.name)
                field = f"{part}.{name}"
                yield from (self._error(field, text, fault) for fault in reading.faults)
                for label in sorted(reading.labels - self._known.labels - self._besides.labels):
                    yield self._warning(
                        field, text, f"no label {label} is known: it would be empty there"
                    )

    def _missing(self) -> Iterator[Finding]:
        rule = self._rule
        if not rule.pending:
            yield self._warning("for", None, "is missing: one bad sample is an alert")
        yield from self._severity()
        for name, what in (
            (RUNBOOK_ANNOTATION, "whoever is woken does not know what to do"),
            (SUMMARY_ANNOTATION, "a notification does not say what is wrong"),
        ):
            if not rule.annotations.get(name):
                yield self._warning(f"annotations.{name}", None, f"is missing: {what}")

    def _severity(self) -> Iterator[Finding]:
        field = f"labels.{SEVERITY_LABEL}"
        severity = {**self._group.labels, **self._rule.labels}.get(SEVERITY_LABEL)
        if not severity:
            mend = "nobody is told by how bad it is; give critical, warning or info"
            yield self._warning(field, None, f"is missing: {mend}")
        elif (strange := strange_severity(severity)) is not None:
            yield self._warning(field, severity, strange)

    def _error(self, field: str, value: str | None, message: str) -> Finding:
        return self._finding("error", field, value, message)

    def _warning(self, field: str, value: str | None, message: str) -> Finding:
        return self._finding("warning", field, value, message)

    def _finding(self, level: Level, field: str, value: str | None, message: str) -> Finding:
        return Finding(level, self._rule.name, f"rules[{self._index}].{field}", value, message)
