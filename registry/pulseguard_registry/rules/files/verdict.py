"""What is wrong with rule files: their form, then each group as the registry would judge it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from pulseguard_registry.faults import validation_problem
from pulseguard_registry.rules.checking.known_names import KnownNames
from pulseguard_registry.rules.files.filed import FiledGroup, Place
from pulseguard_registry.rules.files.reading import RuleFiles
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


def check_form(files: RuleFiles) -> list[FileFinding]:
    """What is no rule file of Prometheus'."""
    return [
        FileFinding("error", fault.place, None, fault.field, fault.message)
        for fault in files.faults
    ]


def check_files(files: RuleFiles, known: KnownNames) -> list[FileFinding]:
    """Every fault of these files: errors first, in the order in which they stand there."""
    recorded = _with_recorded(known, [one.group for one in files.groups])
    findings = check_form(files)
    for one in files.groups:
        judged = (*_form_of(one), *find(one.group, recorded))
        findings += [placed(one, each) for each in judged if not one.is_broken_at(each.field)]
    order = {file: number for number, file in enumerate(files.files)}

    def place(one: FileFinding) -> tuple[str, int, int]:
        return one.level, order.get(one.place.file, -1), one.place.line or 0

    return sorted(dict.fromkeys(findings), key=place)


def placed(one: FiledGroup, finding: Finding) -> FileFinding:
    """A finding about a group, at its line."""
    place = Place(one.file, one.line_of(finding.field))
    return FileFinding(finding.level, place, finding.rule, finding.field, finding.message)


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
