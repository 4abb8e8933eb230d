"""Lists groups and rules, a page at a time."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from pulseguard_registry.rules.answers import (
    RuleGroupPage,
    RuleGroupShown,
    RulePage,
    RuleShown,
    group_fields,
    rule_fields,
)
from pulseguard_registry.rules.kept import read_groups, read_rules
from pulseguard_registry.rules.loading import LoadState, Report, Target, read_reports, shown
from pulseguard_registry.rules.models import GroupRow, RuleRow
from pulseguard_registry.rules.vocabulary import SEVERITY_LABEL, RuleKind


def storable(text: str | None) -> str | None:
    """The text itself; ValueError where PostgreSQL could have none like it."""
    if text is not None and "\x00" in text:
        raise ValueError("holds the character U+0000; take it out")
    return text


class Filters(BaseModel):
    """What lists of rules have in common."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, max_length=120)
    owner: str | None = Field(None, max_length=120)
    enabled: bool | None = None
    cursor: uuid.UUID | None = Field(None, description="`next_cursor` of the page before.")

    @field_validator("name", "owner", "group", "severity", check_fields=False)
    @classmethod
    def _storable(cls, text: str | None) -> str | None:
        return storable(text)


class GroupFilters(Filters):
    """Which groups to list."""

    state: LoadState | None = Field(None, description="Over all Prometheuses.")
    limit: int = Field(50, ge=1, le=200)


class RuleFilters(Filters):
    """Which rules to list."""

    group: str | None = Field(None, description="The name of the group.", max_length=120)
    kind: RuleKind | None = None
    severity: str | None = Field(
        None, description="Of the rule, else of its group.", max_length=1000
    )
    limit: int = Field(100, ge=1, le=500)


def list_groups(session: Session, filters: GroupFilters) -> RuleGroupPage:
    """One page; a group that is there the whole time is on one page exactly."""
    reports = read_reports(session)
    query = select(
        GroupRow.id, GroupRow.revision, GroupRow.version, GroupRow.content.is_not(None)
    ).order_by(GroupRow.id)
    query = query.where(*_conditions(filters, GroupRow))
    if filters.state is None:
        query = query.limit(filters.limit + 1)
    targets = [Target(*row) for row in session.execute(query)]
    found = _in_state(targets, reports, filters.state)[: filters.limit + 1]
    ids = [target.group_id for target in found[: filters.limit]]
    items = [
        RuleGroupShown.model_validate(group_fields(kept, reports))
        for kept in read_groups(session, ids)
    ]
    more = len(found) > filters.limit
    return RuleGroupPage(items=items, next_cursor=ids[-1] if more else None)


def list_rules(session: Session, filters: RuleFilters) -> RulePage:
    """One page; a rule that is there the whole time is on one page exactly."""
    found = read_rules(session, _rule_conditions(filters), filters.limit + 1)
    reports = read_reports(session)
    items = [
        RuleShown.model_validate(rule_fields(home, rule, reports))
        for home, rule in found[: filters.limit]
    ]
    more = len(found) > filters.limit
    return RulePage(items=items, next_cursor=items[-1].id if more else None)


def _conditions(filters: Filters, table: type[GroupRow | RuleRow]) -> list[ColumnElement[bool]]:
    """Of groups, or of rules joined with their groups."""
    found: list[ColumnElement[bool]] = []
    if filters.name is not None:
        found.append(table.name == filters.name)
    if filters.owner is not None:
        found.append(GroupRow.owner == filters.owner)
    if filters.enabled is not None:
        found.append(table.enabled == filters.enabled)
    if filters.cursor is not None:
        found.append(table.id > filters.cursor)
    return found


def _rule_conditions(filters: RuleFilters) -> list[ColumnElement[bool]]:
    found = _conditions(filters, RuleRow)
    if filters.group is not None:
        found.append(GroupRow.name == filters.group)
    if filters.kind is not None:
        found.append(RuleRow.kind == filters.kind)
    if filters.severity is not None:
        own, of_group = RuleRow.labels, GroupRow.labels
        severity = func.coalesce(own[SEVERITY_LABEL].astext, of_group[SEVERITY_LABEL].astext)
        found.append(severity == filters.severity)
    return found


def _in_state(
    targets: Sequence[Target], reports: Sequence[Report], state: LoadState | None
) -> Sequence[Target]:
    if state is None:
        return targets
    return [target for target in targets if shown(target, reports)[0] == state]
