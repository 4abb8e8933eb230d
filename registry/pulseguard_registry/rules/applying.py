"""Brings many groups to what a folder of rule files says, all in one transaction or none."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy.orm import Session

from pulseguard_registry.problems import Fault, Problem
from pulseguard_registry.rules.checking.known_names import KnownNames
from pulseguard_registry.rules.findings import find, refuse_errors, warnings_of, within
from pulseguard_registry.rules.groups import Writer, refuse_ids, strange_ids
from pulseguard_registry.rules.kept import KeptGroup, read_named, read_owned, take_turn, version_now
from pulseguard_registry.rules.loading import Target
from pulseguard_registry.rules.planning import Change, changed, created, deleted
from pulseguard_registry.rules.revisions import write_changes
from pulseguard_registry.rules.schemas import ApplySent, RuleGroupSent
from pulseguard_registry.rules.switches import left_switched
from pulseguard_registry.rules.vocabulary import Finding, RuleGroup

Outcome = Literal["created", "changed", "unchanged", "pruned"]
_OUTCOMES: Mapping[str, Outcome] = {
    "created": "created",
    "changed": "changed",
    "deleted": "pruned",
}


@dataclass(frozen=True)
class Planned:
    """One group: how it is to change, if it does, and what it was."""

    name: str
    kept: KeptGroup | None
    change: Change | None

    @property
    def outcome(self) -> Outcome:
        """What becomes of the group."""
        return "unchanged" if self.change is None else _OUTCOMES[self.change.action]

    def target(self, version: int) -> Target | None:
        """What Prometheus is to have of it; None of what was not written. `version` is that of the
        bundle with all that was."""
        if self.change is None:
            kept = self.kept
            if kept is None:
                return None
            return Target(kept.id, kept.revision, kept.version, kept.content is not None)
        present = self.change.content is not None
        return Target(self.change.group_id, self.change.number, version, present)


def wanted_groups(sent: ApplySent) -> list[RuleGroup]:
    """The groups as they are to be, each with its owner."""
    groups = [each.group() for each in sent.groups]
    return [replace(group, owner=group.owner or sent.owner) for group in groups]


def read_new(session: Session, groups: Sequence[RuleGroup]) -> dict[int, RuleGroup]:
    """Those that are not there as they are, by their places."""
    there = read_named(session, [group.name for group in groups])
    return {
        place: group
        for place, group in enumerate(groups)
        if group.name not in there or there[group.name].group != group
    }


def check_new(new: Mapping[int, RuleGroup], known: KnownNames) -> list[Finding]:
    """Warnings about these; a 422 problem with all errors."""
    findings: list[Finding] = []
    for place, group in new.items():
        findings += within(find(group, known), f"groups.{place}.")
    refuse_errors(findings)
    return warnings_of(findings)


def plan(session: Session, sent: ApplySent, groups: Sequence[RuleGroup]) -> list[Planned]:
    """What becomes of each group, in the order sent, and then of those that are pruned; a 409
    problem where one belongs to another owner, a 422 where a rule has the id of one that its group
    has not."""
    there = read_named(session, [group.name for group in groups])
    _refuse_others(groups, there)
    _refuse_strange_ids(sent, there)
    planned = [
        _planned(group, there.get(group.name), each)
        for group, each in zip(groups, sent.groups, strict=True)
    ]
    if sent.prune:
        named = {group.name for group in groups}
        rest = [kept for kept in read_owned(session, sent.owner) if kept.group.name not in named]
        planned += [Planned(kept.group.name, kept, deleted(kept)) for kept in rest]
    return planned


def apply_groups(
    writer: Writer, sent: ApplySent, groups: Sequence[RuleGroup]
) -> tuple[list[Planned], int]:
    """Write what differs; what became of each group, and the version of the bundle then."""
    take_turn(writer.session)
    planned = plan(writer.session, sent, groups)
    changes = [each.change for each in planned if each.change is not None]
    write_changes(writer.session, changes, writer.author, writer.message)
    return planned, version_now(writer.session)


def _planned(group: RuleGroup, kept: KeptGroup | None, sent: RuleGroupSent) -> Planned:
    ids = [each.id for each in sent.rules]
    if kept is None:
        return Planned(group.name, None, created(group, ids, uuid.uuid4()))
    return Planned(group.name, kept, changed(kept, left_switched(kept, group, sent), ids))


def _refuse_strange_ids(sent: ApplySent, there: Mapping[str, KeptGroup]) -> None:
    faults = []
    for place, group in enumerate(sent.groups):
        known = there[group.name].rule_ids if group.name in there else ()
        faults += strange_ids(group, known, f"groups.{place}.")
    refuse_ids(faults)


def _refuse_others(groups: Sequence[RuleGroup], there: Mapping[str, KeptGroup]) -> None:
    faults = []
    for place, group in enumerate(groups):
        owner = there[group.name].group.owner if group.name in there else ""
        if owner not in ("", group.owner):
            message = (
                f"is that of a group which {owner!r} owns, and not {group.owner!r}; give it"
                " another name, or change the owner of that one first"
            )
            faults.append(Fault(field=f"groups.{place}.name", value=group.name, message=message))
    if faults:
        raise Problem(409, f"{faults[0].field}: {faults[0].message}", errors=faults)
