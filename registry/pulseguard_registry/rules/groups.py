"""Makes, changes and deletes groups, each change a revision."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError
from sqlalchemy.orm import Session

from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.audit.recording import name_object
from pulseguard_registry.faults import validation_problem
from pulseguard_registry.preconditions import check_absence, check_match
from pulseguard_registry.problems import Fault, Problem, refusal
from pulseguard_registry.rules.kept import (
    KeptGroup,
    read_group,
    read_groups,
    read_named,
    take_turn,
    unknown_group,
    version_now,
)
from pulseguard_registry.rules.loading import Target
from pulseguard_registry.rules.planning import Action, Change, changed, created, deleted
from pulseguard_registry.rules.revisions import last_number, read_revision, write_changes
from pulseguard_registry.rules.schemas import RuleGroupSent
from pulseguard_registry.rules.switches import left_switched
from pulseguard_registry.rules.vocabulary import RuleGroup

Ids = Sequence[uuid.UUID | None]


@dataclass(frozen=True)
class Writer:
    """Who changes something in this transaction, and why."""

    session: Session
    author: Principal
    message: str = ""

    def write(self, change: Change | None) -> None:
        """Write this change, if it is one; after `take_turn`."""
        if change is not None:
            write_changes(self.session, [change], self.author, self.message)


def create_group(writer: Writer, sent: RuleGroupSent) -> tuple[KeptGroup, bool]:
    """The group, and whether it is new; a 409 problem where another one has its name."""
    session, group = writer.session, sent.group()
    refuse_ids(strange_ids(sent, known=()))
    take_turn(session)
    kept = read_named(session, [group.name]).get(group.name)
    if kept is not None:
        name_object(session, kept.id)
        if changed(kept, group, [None] * len(group.rules)) is None:
            return kept, False
        raise name_taken(kept)
    change = created(group, [None] * len(group.rules), uuid.uuid4())
    writer.write(change)
    name_object(session, change.group_id)
    return read_group(session, change.group_id), True


def replace_group(
    writer: Writer, group_id: uuid.UUID, sent: RuleGroupSent, tags: list[str]
) -> KeptGroup:
    """The group as it is to be from now on; the same again changes nothing."""
    kept = lock_group(writer.session, group_id, tags)
    refuse_ids(strange_ids(sent, known=kept.rule_ids))
    group, ids = left_switched(kept, sent.group(), sent), [each.id for each in sent.rules]
    return _change(writer, kept, group, ids, "changed")


def enable_group(
    writer: Writer, group_id: uuid.UUID, tags: list[str] | None, *, enabled: bool
) -> KeptGroup:
    """Have Prometheus take the group, or leave it."""
    kept = lock_group(writer.session, group_id, tags)
    group = replace(kept.group, enabled=enabled)
    return _change(writer, kept, group, kept.rule_ids, "enabled" if enabled else "disabled")


def delete_group(writer: Writer, group_id: uuid.UUID, tags: list[str] | None) -> KeptGroup:
    """Delete a group; its revisions stay, and one of them brings it back. Returns what it was."""
    kept = lock_group(writer.session, group_id, tags)
    writer.write(deleted(kept))
    return kept


def read_past(session: Session, group_id: uuid.UUID, number: int) -> RuleGroupSent:
    """The group as it was at a revision, which stays what it is; a 404 problem where there is none,
    a 422 where the group was deleted with it."""
    if not last_number(session, group_id):
        raise unknown_group(group_id)
    document = read_revision(session, group_id, number).document
    if document is None:
        raise refusal("revision", number, "is that with which the group was deleted; name another")
    return _sent(document)


def roll_back(
    writer: Writer, group_id: uuid.UUID, past: RuleGroupSent, tags: list[str] | None
) -> KeptGroup:
    """The group as it was at a revision, enabled or not as it was then, also where it was deleted
    since: a new revision."""
    session = writer.session
    take_turn(session)
    last = last_number(session, group_id)
    group, ids = past.group(), [each.id for each in past.rules]
    kept = next(iter(read_groups(session, [group_id])), None)
    if kept is not None:
        check_match(tags, kept.revision)
        return _change(writer, kept, group, ids, "rolled_back")
    check_absence(tags)
    refuse_taken_name(session, group.name, group_id)
    writer.write(created(group, ids, group_id, last + 1, "rolled_back"))
    return read_group(session, group_id)


def lock_group(session: Session, group_id: uuid.UUID, tags: list[str] | None) -> KeptGroup:
    """One group, which nobody else changes until the end; a 404 problem where there is none, a 412
    where it is of another revision."""
    take_turn(session)
    kept = read_group(session, group_id)
    check_match(tags, kept.revision)
    return kept


def gone(session: Session, kept: KeptGroup) -> Target:
    """What Prometheus is to have of a group that this transaction has deleted."""
    return Target(kept.id, kept.revision + 1, version_now(session), present=False)


def refuse_taken_name(session: Session, name: str, group_id: uuid.UUID) -> None:
    """A 409 problem where another group has this name."""
    other = read_named(session, [name]).get(name)
    if other is not None and other.id != group_id:
        raise name_taken(other)


def name_taken(kept: KeptGroup) -> Problem:
    """The 409 of a name that another group has."""
    message = (
        f"is that of the rule group {kept.id}, which is another one; change that with"
        f" PUT /api/v1/rule-groups/{kept.id}, or choose another name"
    )
    fault = Fault(field="name", value=kept.group.name, message=message)
    return Problem(409, f"name: {message}", errors=[fault])


def _change(
    writer: Writer, kept: KeptGroup, group: RuleGroup, ids: Ids, action: Action
) -> KeptGroup:
    change = changed(kept, group, ids, action)
    if change is None:
        return kept
    if group.name != kept.group.name:
        refuse_taken_name(writer.session, group.name, kept.id)
    writer.write(change)
    return read_group(writer.session, kept.id)


def strange_ids(sent: RuleGroupSent, known: Sequence[uuid.UUID], prefix: str = "") -> list[Fault]:
    """The ids of rules that the group has not."""
    message = "is no rule of this group; leave it out, and the rule is known by its name, or is new"
    return [
        Fault(field=f"{prefix}rules.{place}.id", value=str(rule.id), message=message)
        for place, rule in enumerate(sent.rules)
        if rule.id is not None and rule.id not in known
    ]


def refuse_ids(faults: Sequence[Fault]) -> None:
    """A 422 problem with these, if there are any."""
    if faults:
        raise Problem(422, f"{faults[0].field}: {faults[0].message}", errors=faults)


def _sent(document: dict[str, object]) -> RuleGroupSent:
    try:
        return RuleGroupSent.model_validate(document)
    except ValidationError as error:
        raise validation_problem(error.errors(include_url=False)) from None
