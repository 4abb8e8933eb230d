"""/rule-groups/{id}/revisions: what was changed, by whom, and what it was before."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import PEOPLE, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.database.engine import ReadingSession
from pulseguard_registry.rules import revisions
from pulseguard_registry.rules.answers import Revision, RevisionPage, RevisionShown
from pulseguard_registry.rules.kept import unknown_group, unknown_rule
from pulseguard_registry.strict_json import StrictRoute

MOST_NUMBER = 2**53

router = APIRouter(prefix=API_PREFIX, tags=["rules"], route_class=StrictRoute)
Reader = Annotated[Principal, requires(*PEOPLE)]
Number = Annotated[int, Path(ge=1, le=MOST_NUMBER, description="Of the revision.")]


class RevisionFilters(BaseModel):
    """Which revisions to list."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=200)
    cursor: int | None = Field(
        None, ge=1, le=MOST_NUMBER, description="`next_cursor` of the page before."
    )


@router.get("/rule-groups/{group_id}/revisions")
def list_group_revisions(
    group_id: uuid.UUID,
    filters: Annotated[RevisionFilters, Query()],
    reader: Reader,
    session: ReadingSession,
) -> RevisionPage:
    """Every change of a group, the newest first, a page at a time; also of one that was deleted."""
    if not revisions.last_number(session, group_id):
        raise unknown_group(group_id)
    return _page(session, group_id, filters)


@router.get("/rule-groups/{group_id}/revisions/{number}")
def read_group_revision(
    group_id: uuid.UUID, number: Number, reader: Reader, session: ReadingSession
) -> Revision:
    """One change of a group, with the whole group as it was from then on."""
    return Revision.model_validate(revisions.read_revision(session, group_id, number))


@router.get("/alert-rules/{rule_id}/revisions")
def list_rule_revisions(
    rule_id: uuid.UUID,
    filters: Annotated[RevisionFilters, Query()],
    reader: Reader,
    session: ReadingSession,
) -> RevisionPage:
    """The revisions of its group in which a rule changed, the newest first, a page at a time; also
    of one that was deleted."""
    group_id = revisions.group_once_of(session, rule_id)
    if group_id is None:
        raise unknown_rule(rule_id)
    return _page(session, group_id, filters, rule_id)


def _page(
    session: ReadingSession,
    group_id: uuid.UUID,
    filters: RevisionFilters,
    rule_id: uuid.UUID | None = None,
) -> RevisionPage:
    most = filters.limit + 1
    rows = revisions.list_revisions(
        session, group_id, rule_id=rule_id, below=filters.cursor, most=most
    )
    items = [RevisionShown.model_validate(row) for row in rows[: filters.limit]]
    more = len(rows) > filters.limit
    return RevisionPage(items=items, next_cursor=items[-1].number if more else None)
