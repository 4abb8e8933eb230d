"""The keys that are an agent's own: made at its enrolment, ended with it or with their maker."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, func, not_, or_, select, true, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from pulseguard_registry.access.guard import CHALLENGE
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.access.models import ApiKey
from pulseguard_registry.access.service import LONGEST_NAME, store_key
from pulseguard_registry.problems import Problem

# A registry knows within a second that a key has ended, and what has come by then is committed
# within another.
_NOTICED_WITHIN: Final = timedelta(seconds=2)


def create_own_key(
    session: Session,
    agent_id: uuid.UUID,
    name: str,
    last_seen_at: datetime | None,
    by: Principal,
    pepper: str,
) -> str:
    """A key for this agent and no other, within the bound of the one that enrols it.

    Called with the agent's row locked. Of the own keys before, the newest goes on where nothing
    shows that it was ever used, since its answer may be on the way; the others end. A 401 problem
    where the enrolling key was revoked meanwhile.
    """
    _lock_keys(session, agent_id, by)
    is_own = _is_valid_and_of(agent_id)
    newest = (
        select(ApiKey.id)
        .where(is_own)
        .order_by(ApiKey.created_at.desc(), ApiKey.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    unheard = true() if last_seen_at is None else ApiKey.created_at > last_seen_at
    goes_on = and_(ApiKey.id == newest, ApiKey.last_used_at.is_(None), unheard)
    _end(session, and_(is_own, not_(goes_on)))
    _, token = store_key(
        session,
        pepper,
        name=name[:LONGEST_NAME],
        role="agent",
        environment=by.environment,
        team=by.team,
        agent_id=agent_id,
        enrolled_by=by.key_id,
    )
    return token


def revoke_own_keys(session: Session, agent_id: uuid.UUID) -> None:
    """End all keys that are this agent's own."""
    _end(session, _is_valid_and_of(agent_id))


def has_lost_its_keys(agent_id: uuid.UUID) -> ColumnElement[bool]:
    """Whether this agent had keys of its own, and none of them is valid any more."""
    had = select(ApiKey.id).where(ApiKey.agent_id == agent_id).exists()
    has = select(ApiKey.id).where(_is_valid_and_of(agent_id)).exists()
    return and_(had, not_(has))


def is_shut_out(session: Session, agent_id: uuid.UUID, last_seen_at: datetime | None) -> bool:
    """Whether this agent's own keys have ended, and nothing shows that it has another key.

    What it has sent until a moment after the end may have been let in still.
    """
    ended_at = select(func.max(ApiKey.revoked_at)).where(ApiKey.agent_id == agent_id)
    query = select(has_lost_its_keys(agent_id), ended_at.scalar_subquery())
    has_lost, since = session.execute(query).one()
    if not has_lost or since is None:
        return False
    return last_seen_at is None or last_seen_at < since + _NOTICED_WITHIN


def is_unused(
    agent_id: uuid.UUID, last_seen_at: InstrumentedAttribute[datetime | None]
) -> ColumnElement[bool]:
    """Whether nothing shows that somebody has one of this agent's valid own keys: none was used,
    and the agent was never heard, or not since the first of them was made."""
    is_own = _is_valid_and_of(agent_id)
    used = select(ApiKey.id).where(is_own, ApiKey.last_used_at.is_not(None)).exists()
    first = select(func.min(ApiKey.created_at)).where(is_own).scalar_subquery()
    return and_(not_(used), or_(last_seen_at.is_(None), last_seen_at < first))


def _is_valid_and_of(agent_id: uuid.UUID) -> ColumnElement[bool]:
    return and_(ApiKey.agent_id == agent_id, ApiKey.revoked_at.is_(None))


def _lock_keys(session: Session, agent_id: uuid.UUID, by: Principal) -> None:
    """All keys that matter here, in the order of their ids, as whoever writes more than one does.

    Whoever revokes the enrolling key waits for the end of this, and ends what it has made.
    """
    query = (
        select(ApiKey)
        .where(or_(ApiKey.id == by.key_id, _is_valid_and_of(agent_id)))
        .order_by(ApiKey.id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )
    if any(key.id == by.key_id and key.revoked_at is not None for key in session.scalars(query)):
        detail = "this key was revoked a moment ago; ask an admin for a new one"
        raise Problem(401, detail, headers=CHALLENGE)


def _end(session: Session, which: ColumnElement[bool]) -> None:
    in_order = select(ApiKey.id).where(which).order_by(ApiKey.id).with_for_update()
    session.execute(
        update(ApiKey)
        .where(ApiKey.id.in_(in_order.scalar_subquery()))
        .values(revoked_at=func.now())
        .execution_options(synchronize_session=False)
    )
