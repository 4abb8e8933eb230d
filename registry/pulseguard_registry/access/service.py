"""Makes, lists and revokes keys."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter
from sqlalchemy import func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from pulseguard_registry.access.models import ApiKey
from pulseguard_registry.access.schemas import Key, KeyCreate, KeyFilters, KeyPage, Revoked, Role
from pulseguard_registry.access.tokens import digest, make_token, pepper_id
from pulseguard_registry.audit.recording import record_start
from pulseguard_registry.fields import Instant
from pulseguard_registry.problems import Problem, refusal
from pulseguard_registry.secrets_folder import ADMIN_KEY_FILE, write_secret

LONGEST_ENROLMENT = timedelta(hours=24)
LONGEST_NAME = 120
_INSTANT = TypeAdapter(Instant)


def create_key(session: Session, wanted: KeyCreate, pepper: str) -> tuple[ApiKey, str]:
    """Store a new key; returns its row and its text, which is kept nowhere."""
    if wanted.expires_at is not None:
        # By the clock that dates the key.
        now = session.execute(select(func.now())).scalar_one()
        _check_end(wanted.expires_at, now, wanted.role)
    return store_key(session, pepper, **wanted.model_dump())


def store_key(
    session: Session,
    pepper: str,
    *,
    name: str,
    role: Role,
    environment: str | None,
    team: str | None,
    expires_at: datetime | None = None,
    agent_id: uuid.UUID | None = None,
    enrolled_by: uuid.UUID | None = None,
    token: str | None = None,
) -> tuple[ApiKey, str]:
    """Store a key, a new one unless its text is given; an agent's own is dated within the
    transaction: its newest is told by that."""
    token = token or make_token(role)
    key = ApiKey(
        id=uuid.uuid4(),
        name=name,
        role=role,
        environment=environment,
        team=team,
        agent_id=agent_id,
        enrolled_by=enrolled_by,
        expires_at=expires_at,
        digest=digest(token, pepper),
        pepper_id=pepper_id(pepper),
    )
    if agent_id is not None:
        key.created_at = func.clock_timestamp()
    session.add(key)
    session.flush()
    return key, token


def _check_end(end: datetime, now: datetime, role: Role) -> None:
    if end <= now:
        raise refusal("expires_at", end, "lies in the past; give a later time")
    latest = now + LONGEST_ENROLMENT
    if role == "enrolment" and end > latest:
        raise refusal(
            "expires_at",
            end,
            f"is more than 24 h ahead, which a key of role enrolment may not live; give"
            f" {latest.isoformat(timespec='seconds')} at the latest",
        )


def list_keys(session: Session, filters: KeyFilters) -> KeyPage:
    """One page of the keys, revoked ones too, the newest first."""
    order = tuple_(ApiKey.created_at, ApiKey.id)
    query = select(ApiKey).order_by(ApiKey.created_at.desc(), ApiKey.id.desc())
    if filters.own is not None:
        query = query.where(ApiKey.agent_id.is_not(None) == filters.own)
    if filters.cursor is not None:
        query = query.where(order < tuple_(*_place(filters.cursor)))
    rows = session.scalars(query.limit(filters.limit + 1)).all()
    items = [Key.model_validate(row) for row in rows[: filters.limit]]
    return KeyPage(items=items, next_cursor=_cursor(items[-1]) if len(rows) > len(items) else None)


def _cursor(key: Key) -> str:
    """Its place in the list, which it keeps when it is deleted between two pages."""
    return f"{key.created_at.astimezone(UTC).isoformat().replace('+00:00', 'Z')}_{key.id}"


def _place(cursor: str) -> tuple[datetime, uuid.UUID]:
    created_at, _, key_id = cursor.partition("_")
    try:
        return _INSTANT.validate_python(created_at), uuid.UUID(key_id)
    except ValueError:
        raise refusal("cursor", cursor, "is no place in the list; take `next_cursor`") from None


def revoke_key(session: Session, key_id: uuid.UUID) -> Revoked:
    """End a key, and the own keys of agents that it made; doing it again changes nothing.

    A 404 problem where there is none.
    """
    ends = or_(ApiKey.id == key_id, ApiKey.enrolled_by == key_id)
    locked = session.scalars(select(ApiKey.id).where(ends).order_by(ApiKey.id).with_for_update())
    if key_id not in locked.all():
        raise Problem(404, f"there is no key {key_id}; GET /api/v1/keys lists them")
    # Looked for again: an enrolment that had to be waited for has made one meanwhile.
    ended = session.scalars(
        update(ApiKey)
        .where(ends, ApiKey.revoked_at.is_(None))
        .values(revoked_at=func.now())
        .returning(ApiKey.id)
        .execution_options(synchronize_session=False)
    )
    return Revoked(id=key_id, own_keys_ended=len(set(ended) - {key_id}))


def ensure_admin_key(session: Session, pepper: str, folder: Path, renew: bool) -> str | None:
    """Make the first admin key and write it to a file that only its owner can read.

    Also when every admin key was made under another pepper, since none of them can work, and when
    `renew` asks for it. Returns what an operator should know, if anything.
    """
    path = folder / ADMIN_KEY_FILE
    usable = select(ApiKey.digest).where(
        ApiKey.role == "admin",
        ApiKey.revoked_at.is_(None),
        ApiKey.pepper_id == pepper_id(pepper),
        func.coalesce(ApiKey.expires_at, func.now()) >= func.now(),
    )
    digests = set(session.scalars(usable))
    if renew or not digests:
        name = "another admin" if digests else "first admin"
        key, token = create_key(session, KeyCreate(name=name, role="admin"), pepper)
        record_start(session, "keys", key.id)
        write_secret(path, token)
        return f"the admin key of this registry is in {path}"
    if path.exists() and digest(path.read_text(encoding="utf-8").strip(), pepper) in digests:
        return None
    return (
        f"{path} holds no key that works, but there are admin keys; if none is at hand, start once"
        " with --new-admin-key"
    )
