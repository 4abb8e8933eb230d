"""Groups that were deleted, by what their revisions still say of them."""

from __future__ import annotations

import uuid
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, field_validator
from sqlalchemy import and_, exists, select
from sqlalchemy.orm import Session, aliased

from pulseguard_registry.rules.listing import storable
from pulseguard_registry.rules.models import RevisionRow


class DeletedFilters(BaseModel):
    """Which deleted groups to list."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(None, description="That it had last.", max_length=120)
    limit: int = Field(50, ge=1, le=200)
    cursor: uuid.UUID | None = Field(None, description="`next_cursor` of the page before.")

    _storable = field_validator("name")(storable)


class DeletedRuleGroup(BaseModel):
    """A group that is there no more; a rollback to a revision before its last brings it back."""

    model_config = ConfigDict(from_attributes=True)

    id: uuid.UUID
    name: str
    revision: int = Field(description="With which it was deleted.")
    deleted_at: datetime
    author: str = Field(description="The name of the key that deleted it.")
    message: str


class DeletedRuleGroupPage(BaseModel):
    """One page of the list."""

    items: list[DeletedRuleGroup]
    next_cursor: uuid.UUID | None = Field(description="Null on the last page.")


def list_deleted(session: Session, filters: DeletedFilters) -> DeletedRuleGroupPage:
    """One page, ordered by id. A group whose last revision is its deletion was not brought back."""
    last, before, later = (aliased(RevisionRow) for _ in range(3))
    name = before.document["name"].astext
    query = (
        select(
            last.group_id.label("id"),
            name.label("name"),
            last.number.label("revision"),
            last.at.label("deleted_at"),
            last.author,
            last.message,
        )
        .join(before, and_(before.group_id == last.group_id, before.number == last.number - 1))
        .where(
            last.action == "deleted",
            ~exists().where(later.group_id == last.group_id, later.number > last.number),
        )
        .order_by(last.group_id)
    )
    if filters.name is not None:
        query = query.where(name == filters.name)
    if filters.cursor is not None:
        query = query.where(last.group_id > filters.cursor)
    rows = session.execute(query.limit(filters.limit + 1)).all()
    items = [DeletedRuleGroup.model_validate(row) for row in rows[: filters.limit]]
    more = len(rows) > filters.limit
    return DeletedRuleGroupPage(items=items, next_cursor=items[-1].id if more else None)
