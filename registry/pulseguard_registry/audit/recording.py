"""Writes the record of a change, just before the transaction that makes it is committed."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import Request, Response
from sqlalchemy import event, insert, inspect
from sqlalchemy.orm import Session, sessionmaker

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import principal_of
from pulseguard_registry.audit.models import AuditRecord
from pulseguard_registry.problems import request_id_of

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Alertmanager repeats itself every minute and sync reports all the time, and neither is a change:
# the history of alerts is a record itself. Heartbeats and snapshots never come here.
NOT_AUDITED = frozenset(
    f"{API_PREFIX}{path}"
    for path in ("/alerts/webhook", "/sync/{prometheus}", "/sync/{prometheus}/rules")
)

# Of a change without a request.
_BY_ITSELF = {"key_id": None, "role": "", "request_id": ""}

_NAMED, _MADE = "pulseguard.named", "pulseguard.made"


def watch(sessions: sessionmaker[Session]) -> None:
    """Let sessions remember the first row that they make: the record of its making names it."""

    def remember(session: Session, made: object) -> None:
        if _MADE not in session.info:
            identity = inspect(made).identity
            session.info[_MADE] = "/".join(map(str, identity))

    event.listen(sessions, "pending_to_persistent", remember)


def name_object(session: Session, object_id: object) -> None:
    """Say what the request changes, where neither its path nor a mapped row that it makes does."""
    session.info[_NAMED] = str(object_id)


def record_change(session: Session, request: Request, response: Response) -> None:
    """Add the record of this request to its transaction, unless it is none that changes things."""
    route = request.scope["route"]
    status = response.status_code or getattr(route, "status_code", None) or 200
    if request.method in SAFE_METHODS or route.path in NOT_AUDITED or status >= 400:
        return
    session.flush()
    by = principal_of(request)
    session.add(
        AuditRecord(
            key_id=by.key_id if by is not None else None,
            key_name=by.name if by is not None else "",
            role=by.role if by is not None else "",
            method=request.method,
            route=route.path,
            object_type=route.path.removeprefix(API_PREFIX).split("/")[1],
            object_id=_object_id(session, request),
            status=status,
            request_id=request_id_of(request),
        )
    )


def record_start(
    session: Session, object_type: str, object_id: object, by: str = "start of the registry"
) -> None:
    """Add the record of what the registry makes by itself, mostly at its start, not by a request:
    as of a request that makes it."""
    session.flush()
    session.add(
        AuditRecord(
            **_BY_ITSELF,
            key_name=by,
            method="POST",
            route=f"{API_PREFIX}/{object_type}",
            object_type=object_type,
            object_id=str(object_id),
            status=201,
        )
    )


def record_upkeep(
    session: Session,
    route: str,
    object_ids: Iterable[object],
    by: str = "upkeep of the registry",
) -> None:
    """Add the records of what the registry ends by itself as time goes on, one for each: as of a
    request that deletes it by this route (without the prefix)."""
    ended = {
        **_BY_ITSELF,
        "key_name": by,
        "method": "DELETE",
        "route": f"{API_PREFIX}{route}",
        "object_type": route.split("/")[1],
        "status": 200,
    }
    if records := [{**ended, "object_id": str(object_id)} for object_id in object_ids]:
        session.execute(insert(AuditRecord), records)


def _object_id(session: Session, request: Request) -> str:
    """What the service named, else the first id of the path, else the row that was made."""
    named = session.info.get(_NAMED) or next(iter(request.path_params.values()), None)
    return str(named or session.info.get(_MADE, ""))
