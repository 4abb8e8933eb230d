"""Writes changes of groups, each as a revision of its own, and reads what was changed."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, func, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session, defer

from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.problems import Problem
from pulseguard_registry.rules.kept import KeptRule
from pulseguard_registry.rules.models import GroupRow, RevisionRow, RuleRow
from pulseguard_registry.rules.planning import Change
from pulseguard_registry.rules.vocabulary import RuleGroup

Row = dict[str, Any]  # Any: the values of a row

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own is not typed

_GROUPS: Table = GroupRow.__table__  # type: ignore[assignment]  # of a mapped class it is one
_RULES: Table = RuleRow.__table__  # type: ignore[assignment]  # the same
_REVISIONS: Table = RevisionRow.__table__  # type: ignore[assignment]  # the same


def write_changes(
    session: Session, changes: Sequence[Change], author: Principal, message: str
) -> None:
    """Write these, after `take_turn`: however many there are, in a few statements."""
    kept = [each for each in changes if each.after is not None]
    _delete(session, [each.group_id for each in changes if each.after is None])
    _insert(session, _GROUPS, [_group_row(each) for each in kept if each.before is None])
    _update_groups(session, [_group_row(each) for each in kept if each.before is not None])
    _write_rules(session, kept)
    _insert(session, _REVISIONS, [_revision_row(each, author, message) for each in changes])
    session.flush()


def last_number(session: Session, group_id: uuid.UUID) -> int:
    """The newest revision of a group, also of one that was deleted; 0 where there never was one."""
    query = select(func.coalesce(func.max(_REVISIONS.c.number), 0))
    return int(session.execute(query.where(_REVISIONS.c.group_id == group_id)).scalar_one())


def group_once_of(session: Session, rule_id: uuid.UUID) -> uuid.UUID | None:
    """The group that has, or had, this rule, both of which may be deleted; None where none did."""
    query = select(_REVISIONS.c.group_id).where(_REVISIONS.c.rules.contains([rule_id])).limit(1)
    return session.execute(query).scalar_one_or_none()


def read_revision(session: Session, group_id: uuid.UUID, number: int) -> RevisionRow:
    """One revision; a 404 problem where there is none."""
    found = session.get(RevisionRow, (group_id, number))
    if found is None:
        raise Problem(
            404,
            f"there is no revision {number} of the rule group {group_id};"
            f" GET /api/v1/rule-groups/{group_id}/revisions lists them",
        )
    return found


def list_revisions(
    session: Session,
    group_id: uuid.UUID,
    *,
    rule_id: uuid.UUID | None = None,
    below: int | None,
    most: int,
) -> Sequence[RevisionRow]:
    """Those of a group, or those in which one of its rules changed, the newest first."""
    # Whole groups, which no list shows.
    light = defer(RevisionRow.document, raiseload=True)
    query = select(RevisionRow).where(RevisionRow.group_id == group_id).options(light)
    if rule_id is not None:
        query = query.where(RevisionRow.rules.contains([rule_id]))
    if below is not None:
        query = query.where(RevisionRow.number < below)
    return session.scalars(query.order_by(RevisionRow.number.desc()).limit(most)).all()


def _insert(session: Session, table: Table, rows: Sequence[Row]) -> None:
    if rows:
        names = ", ".join(rows[0])
        told = f"SELECT {names} FROM {_told_as(table, rows[0])}"
        _execute(session, f"INSERT INTO {table.name} ({names}) {told}", rows)


def _told_as(table: Table, names: Iterable[str]) -> str:
    """The rows of the parameter, as PostgreSQL reads them.

    All of them as one text: as parameters of their own, two thousand take ten times as long.
    """
    columns = (f"{name} {table.c[name].type.compile(DIALECT)}" for name in names)
    return f"json_to_recordset(CAST(:rows AS json)) AS told ({', '.join(columns)})"


def _execute(session: Session, statement: str, rows: Sequence[Row]) -> None:
    session.execute(text(statement), {"rows": json.dumps(rows, default=str)})


def _delete(session: Session, ids: Sequence[uuid.UUID]) -> None:
    if ids:
        session.execute(delete(_GROUPS).where(_GROUPS.c.id.in_(ids)))


def _update_groups(session: Session, rows: Sequence[Row]) -> None:
    if rows:
        values = ", ".join(f"{name} = told.{name}" for name in rows[0] if name != "id")
        statement = f"UPDATE rule_groups SET {values}, changed_at = now()"
        told = f"FROM {_told_as(_GROUPS, rows[0])} WHERE rule_groups.id = told.id"
        _execute(session, f"{statement} {told}", rows)


def _write_rules(session: Session, changes: Sequence[Change]) -> None:
    """Take out what goes or differs, and put in what comes or differs."""
    rows, gone = list[Row](), list[uuid.UUID]()
    now = session.execute(select(func.now())).scalar_one()
    for change in changes:
        assert change.after is not None
        before = {} if change.before is None else dict(_placed(change.before.rules))
        after = dict(_rule_rows(change, change.after, now))
        gone += [each for each in before if before[each] != _told(after.get(each))]
        rows += [row for each, row in after.items() if before.get(each) != _told(row)]
    if gone:
        session.execute(delete(_RULES).where(_RULES.c.id.in_(gone)))
    _insert(session, _RULES, rows)


def _placed(rules: Iterable[KeptRule]) -> Iterable[tuple[uuid.UUID, object]]:
    return ((kept.id, (place, kept.revision)) for place, kept in enumerate(rules))


def _told(row: Row | None) -> object:
    return None if row is None else (row["position"], row["revision"])


def _rule_rows(change: Change, group: RuleGroup, now: datetime) -> Iterable[tuple[uuid.UUID, Row]]:
    known = {} if change.before is None else {kept.id: kept for kept in change.before.rules}
    touched = set(change.touched)
    for place, (rule_id, rule) in enumerate(zip(change.rule_ids, group.rules, strict=True)):
        kept = known.get(rule_id)
        is_same = kept is not None and rule_id not in touched
        yield (
            rule_id,
            {
                "id": rule_id,
                "group_id": change.group_id,
                "position": place,
                "kind": rule.kind,
                "name": rule.name,
                "expr": rule.expr,
                "pending": rule.pending,
                "keep_firing_for": rule.keep_firing_for,
                "labels": dict(rule.labels),
                "annotations": dict(rule.annotations),
                "enabled": rule.enabled,
                "revision": kept.revision if kept and is_same else change.number,
                "created_at": kept.created_at if kept else now,
                "changed_at": kept.changed_at if kept and is_same else now,
            },
        )


def _group_row(change: Change) -> Row:
    group = change.after
    assert group is not None
    return {
        "id": change.group_id,
        "name": group.name,
        "interval": group.interval,
        "result_limit": group.limit,
        "labels": dict(group.labels),
        "owner": group.owner,
        "enabled": group.enabled,
        "revision": change.number,
        "shared_revision": change.shared_number,
        "content": change.content,
    }


def _revision_row(change: Change, author: Principal, message: str) -> Row:
    return {
        "group_id": change.group_id,
        "number": change.number,
        "author": author.name,
        "author_id": author.key_id,
        "message": message,
        "action": change.action,
        "document": change.document,
        "diff": change.diff,
        "changes": change.fields,
        "rules": change.touched,
    }
