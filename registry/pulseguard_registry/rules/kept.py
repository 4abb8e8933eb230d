"""Groups as they are kept: read, and locked for a change."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy import ColumnElement, Row, select, text
from sqlalchemy.orm import Session

from pulseguard_registry.problems import Problem
from pulseguard_registry.rules.models import GroupRow, RuleRow
from pulseguard_registry.rules.vocabulary import Rule, RuleGroup

# Whoever changes rules takes it first, and so one after the other: two who apply overlapping sets
# of groups, old ones and new ones, have no other order in common.
_TAKE_TURN = text("SELECT value FROM versions WHERE name = 'rules' FOR UPDATE")
_VERSION = text("SELECT value FROM versions WHERE name = 'rules'")
# Tables, not mapped objects, which take twice as long to read.
_GROUPS, _RULES = GroupRow.__table__, RuleRow.__table__
# By name what a Home has; a rule has some of these names itself.
_HOME = {
    "id": _GROUPS.c.id,
    "revision": _GROUPS.c.revision,
    "shared_revision": _GROUPS.c.shared_revision,
    "version": _GROUPS.c.version,
    "has_file": _GROUPS.c.content.is_not(None),
    "name": _GROUPS.c.name,
    "owner": _GROUPS.c.owner,
}


@dataclass(frozen=True)
class KeptRule:
    """A rule with its id; its revision is that of the group with which it changed last."""

    id: uuid.UUID
    revision: int
    rule: Rule
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True)
class Home:
    """The group of a rule, as far as the rule shows it: without its file and its other rules."""

    id: uuid.UUID
    revision: int
    shared_revision: int
    version: int
    has_file: bool
    name: str
    owner: str


@dataclass(frozen=True)
class KeptGroup:
    """A group with what the registry keeps of it; `content` is None where there is no file.

    With `shared_revision` changed last what all its rules have of it: labels, interval, limit, name
    and whether it is enabled.
    """

    id: uuid.UUID
    revision: int
    shared_revision: int
    version: int
    content: str | None
    created_at: datetime
    changed_at: datetime
    group: RuleGroup
    rules: tuple[KeptRule, ...]

    @property
    def rule_ids(self) -> tuple[uuid.UUID, ...]:
        """The ids of its rules, in their order."""
        return tuple(kept.id for kept in self.rules)

    @property
    def home(self) -> Home:
        """What its rules show of it."""
        return Home(
            id=self.id,
            revision=self.revision,
            shared_revision=self.shared_revision,
            version=self.version,
            has_file=self.content is not None,
            name=self.group.name,
            owner=self.group.owner,
        )

    def find(self, rule_id: uuid.UUID) -> KeptRule:
        """One of its rules; a 404 problem where it has none of this id."""
        for kept in self.rules:
            if kept.id == rule_id:
                return kept
        raise unknown_rule(rule_id)


def take_turn(session: Session) -> None:
    """Wait until nobody else changes rules, and let nobody do it until the end."""
    session.execute(_TAKE_TURN)


def version_now(session: Session) -> int:
    """The version of the bundle, with what this transaction has changed."""
    return int(session.execute(_VERSION).scalar_one())


def read_group(session: Session, group_id: uuid.UUID) -> KeptGroup:
    """One group; a 404 problem where there is none."""
    found = read_groups(session, [group_id])
    if not found:
        raise unknown_group(group_id)
    return found[0]


def read_groups(session: Session, ids: Sequence[uuid.UUID]) -> list[KeptGroup]:
    """Those of these groups that there are, ordered by id."""
    rows = session.execute(select(_GROUPS).where(_GROUPS.c.id.in_(ids)).order_by(_GROUPS.c.id))
    return with_rules(session, rows.all())


def read_named(session: Session, names: Iterable[str]) -> Mapping[str, KeptGroup]:
    """Those of these groups that there are, by name."""
    rows = session.execute(select(_GROUPS).where(_GROUPS.c.name.in_(list(names))))
    return {kept.group.name: kept for kept in with_rules(session, rows.all())}


def read_owned(session: Session, owner: str) -> list[KeptGroup]:
    """All groups of an owner, ordered by name."""
    rows = session.execute(select(_GROUPS).where(_GROUPS.c.owner == owner).order_by(_GROUPS.c.name))
    return with_rules(session, rows.all())


def read_rules(
    session: Session, conditions: Sequence[ColumnElement[bool]], limit: int
) -> list[tuple[Home, KeptRule]]:
    """The first rules for which these hold, ordered by id, each with its group."""
    homes = (column.label(f"home_{name}") for name, column in _HOME.items())
    query = select(_RULES, *homes).join(_GROUPS, _GROUPS.c.id == _RULES.c.group_id)
    rows = session.execute(query.where(*conditions).order_by(_RULES.c.id).limit(limit)).all()
    return [(Home(*row[-len(_HOME) :]), kept_rule(row)) for row in rows]


def group_of_rule(session: Session, rule_id: uuid.UUID) -> KeptGroup:
    """The group that has this rule; a 404 problem where there is none."""
    group_id = session.scalar(select(_RULES.c.group_id).where(_RULES.c.id == rule_id))
    if group_id is None:
        raise unknown_rule(rule_id)
    return read_group(session, group_id)


def with_rules(session: Session, rows: Sequence[Row[tuple[object, ...]]]) -> list[KeptGroup]:
    """These rows of groups, each with its rules."""
    ids = [row.id for row in rows]
    query = select(_RULES).where(_RULES.c.group_id.in_(ids))
    found = session.execute(query.order_by(_RULES.c.group_id, _RULES.c.position)).all()
    rules = {
        group_id: tuple(map(kept_rule, of_group))
        for group_id, of_group in groupby(found, lambda row: row.group_id)
    }
    return [_kept_group(row, rules.get(row.id, ())) for row in rows]


# Any number of columns: those of the table.
def kept_rule(row: Row[tuple[object, ...]]) -> KeptRule:
    """A row of a rule as a value."""
    rule = Rule(
        kind=row.kind,
        name=row.name,
        expr=row.expr,
        pending=row.pending,
        keep_firing_for=row.keep_firing_for,
        labels=row.labels,
        annotations=row.annotations,
        enabled=row.enabled,
    )
    return KeptRule(row.id, row.revision, rule, row.created_at, row.changed_at)


def _kept_group(row: Row[tuple[object, ...]], rules: tuple[KeptRule, ...]) -> KeptGroup:
    group = RuleGroup(
        name=row.name,
        rules=tuple(kept.rule for kept in rules),
        interval=row.interval,
        limit=row.result_limit,
        labels=row.labels,
        owner=row.owner,
        enabled=row.enabled,
    )
    return KeptGroup(
        id=row.id,
        revision=row.revision,
        shared_revision=row.shared_revision,
        version=row.version,
        content=row.content,
        created_at=row.created_at,
        changed_at=row.changed_at,
        group=group,
        rules=rules,
    )


def unknown_group(group_id: uuid.UUID) -> Problem:
    """The 404 of every route that names a group."""
    return Problem(404, f"there is no rule group {group_id}; GET /api/v1/rule-groups lists them")


def unknown_rule(rule_id: uuid.UUID) -> Problem:
    """The 404 of every route that names a rule."""
    return Problem(404, f"there is no alert rule {rule_id}; GET /api/v1/alert-rules lists them")
