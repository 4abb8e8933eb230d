"""Makes, lists and revokes keys."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.orm import Session

from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.access.models import ApiKey
from pulseguard_registry.access.schemas import Key, KeyCreate, KeyFilters, KeyPage, Role
from pulseguard_registry.access.tokens import digest, make_token, pepper_id
from pulseguard_registry.audit.recording import record_start
from pulseguard_registry.problems import Problem, refusal
from pulseguard_registry.secrets_folder import ADMIN_KEY_FILE, write_secret

LONGEST_ENROLMENT = timedelta(hours=24)
_LONGEST_NAME = 120


def create_key(session: Session, wanted: KeyCreate, pepper: str) -> tuple[ApiKey, str]:
    """Store a new key; returns its row and its text, which is kept nowhere."""
    if wanted.expires_at is not None and wanted.expires_at <= datetime.now(UTC):
        raise refusal("expires_at", wanted.expires_at, "lies in the past; give a later time")
    if wanted.role == "enrolment" and wanted.expires_at is not None:
        _check_end_of_enrolment(wanted.expires_at, datetime.now(UTC))
    return _store_key(session, pepper, **wanted.model_dump())


def create_own_key(
    session: Session, agent_id: uuid.UUID, name: str, by: Principal, pepper: str
) -> str:
    """A key for this agent and no other, within the bound of the one that enrols it.

    Enrolled again it gets another one, since the reply may have been lost; of those that it had the
    newest goes on, since it may be in use.
    """
    valid = (ApiKey.agent_id == agent_id, ApiKey.revoked_at.is_(None))
    newest = select(ApiKey.id).where(*valid).order_by(ApiKey.created_at.desc()).limit(1)
    older = update(ApiKey).where(*valid, ApiKey.id.not_in(newest.scalar_subquery()))
    session.execute(
        older.values(revoked_at=func.now()).execution_options(synchronize_session=False)
    )
    _, token = _store_key(
        session,
        pepper,
        name=name[:_LONGEST_NAME],
        role="agent",
        environment=by.environment,
        team=by.team,
        agent_id=agent_id,
    )
    return token


def _store_key(
    session: Session,
    pepper: str,
    *,
    name: str,
    role: Role,
    environment: str | None,
    team: str | None,
    expires_at: datetime | None = None,
    agent_id: uuid.UUID | None = None,
) -> tuple[ApiKey, str]:
    token = make_token(role)
    key = ApiKey(
        id=uuid.uuid4(),
        name=name,
        role=role,
        environment=environment,
        team=team,
        agent_id=agent_id,
        expires_at=expires_at,
        digest=digest(token, pepper),
        pepper_id=pepper_id(pepper),
    )
    session.add(key)
    session.flush()
    return key, token


def _check_end_of_enrolment(end: datetime, now: datetime) -> None:
    latest = now + LONGEST_ENROLMENT
    if end > latest:
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
    if filters.cursor is not None:
        last = session.get(ApiKey, filters.cursor)
        if last is None:
            raise refusal("cursor", filters.cursor, "is of no key; take `next_cursor` of a page")
        query = query.where(order < tuple_(last.created_at, last.id))
    rows = session.scalars(query.limit(filters.limit + 1)).all()
    items = [Key.model_validate(row) for row in rows[: filters.limit]]
    return KeyPage(items=items, next_cursor=items[-1].id if len(rows) > filters.limit else None)


def revoke_key(session: Session, key_id: uuid.UUID) -> None:
    """End a key; doing it again changes nothing. A 404 problem where there is none."""
    key = session.get(ApiKey, key_id)
    if key is None:
        raise Problem(404, f"there is no key {key_id}; GET /api/v1/keys lists them")
    key.revoked_at = key.revoked_at or datetime.now(UTC)


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
        key, token = create_key(session, KeyCreate(name="first admin", role="admin"), pepper)
        record_start(session, "keys", key.id)
        write_secret(path, token)
        return f"the admin key of this registry is in {path}"
    if path.exists() and digest(path.read_text(encoding="utf-8").strip(), pepper) in digests:
        return None
    return (
        f"{path} holds no key that works, but there are admin keys; if none is at hand, start once"
        " with --new-admin-key"
    )
