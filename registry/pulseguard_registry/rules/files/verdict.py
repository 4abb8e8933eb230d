"""What is wrong with rule files: their form, then each group as the registry would judge it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from pulseguard_registry.faults import validation_problem
from pulseguard_registry.rules.checking.known_names import KnownNames
from pulseguard_registry.rules.files.form import Place
from pulseguard_registry.rules.files.reading import FiledGroup, RuleFiles
from pulseguard_registry.rules.files.wire import sent_document
from pulseguard_registry.rules.findings import find
from pulseguard_registry.rules.schemas import RuleGroupSent
from pulseguard_registry.rules.vocabulary import Finding, Level, RuleGroup

_OF_RULE: Final = re.compile(r"rules\.([0-9]+)\.?")


@dataclass(frozen=True)
class FileFinding:
    """A fault at a line of a file."""

    level: Level
    place: Place
    rule: str | None
    field: str
    message: str

    def __str__(self) -> str:
        about = ": ".join(part for part in (self.rule, _OF_RULE.sub("", self.field)) if part)
        return f"{self.place}: {self.level}: {about + ': ' if about else ''}{self.message}"

    def document(self) -> dict[str, Any]:  # Any: JSON
        """The same for programs."""
        return {
            "level": self.level,
            "file": self.place.file,
            "line": self.place.line,
            "rule": self.rule,
            "field": self.field,
            "message": self.message,
        }


def check_files(files: RuleFiles, known: KnownNames) -> list[FileFinding]:
    """Every fault of these files, in the order in which they stand there."""
    recorded = _with_recorded(known, [one.group for one in files.groups])
    findings = [
        FileFinding("error", fault.place, None, fault.field, fault.message)
        for fault in files.faults
    ]
    for one in files.groups:
        findings += _judged(one, recorded)
    order = {file: number for number, file in enumerate(files.files)}
    return sorted(findings, key=lambda one: (order.get(one.place.file, -1), one.place.line))


def _judged(one: FiledGroup, known: KnownNames) -> Iterator[FileFinding]:
    for finding in [*_form_of(one), *find(one.group, known)]:
        place = Place(one.file, one.line_of(finding.field))
        yield FileFinding(finding.level, place, finding.rule, finding.field, finding.message)


def _form_of(one: FiledGroup) -> Sequence[Finding]:
    """What the registry would not take, whatever it means."""
    try:
        RuleGroupSent.model_validate(sent_document(one.group))
    except ValidationError as error:
        return [
            Finding("error", _rule_at(one, fault.field), fault.field, fault.value, fault.message)
            for fault in validation_problem(error.errors(include_url=False)).errors
        ]
    return []


def _rule_at(one: FiledGroup, field: str) -> str | None:
    found = _OF_RULE.match(field)
    return one.group.rules[int(found[1])].name if found else None


def _with_recorded(known: KnownNames, groups: Sequence[RuleGroup]) -> KnownNames:
    """What one group records another one may read."""
    names = [rule.name for group in groups for rule in group.rules if rule.kind == "record"]
    return replace(known, types={**known.types, **dict.fromkeys(names, "gauge")})
