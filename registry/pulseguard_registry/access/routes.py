"""/keys: access to the registry."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access import service
from pulseguard_registry.access.guard import requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.access.schemas import Key, KeyCreate, KeyFilters, KeyPage, NewKey, Revoked
from pulseguard_registry.database.engine import DatabaseSession
from pulseguard_registry.strict_json import StrictRoute

router = APIRouter(prefix=f"{API_PREFIX}/keys", tags=["access"], route_class=StrictRoute)
Admin = Annotated[Principal, requires("admin")]


@router.post("", status_code=201)
def create_key(
    wanted: KeyCreate, admin: Admin, session: DatabaseSession, request: Request
) -> NewKey:
    """Make a key. Its text is in this answer and never again."""
    key, token = service.create_key(session, wanted, request.app.state.pepper)
    return NewKey(**Key.model_validate(key).model_dump(), key=token)


@router.get("")
def list_keys(
    filters: Annotated[KeyFilters, Query()], admin: Admin, session: DatabaseSession
) -> KeyPage:
    """The keys, those that have ended too, without their text, a page at a time."""
    return service.list_keys(session, filters)


@router.delete("/{key_id}")
def revoke_key(key_id: uuid.UUID, admin: Admin, session: DatabaseSession) -> Revoked:
    """End a key; it is refused everywhere within a second. With a key of role enrolment end the
    own keys of all agents that it enrolled."""
    return service.revoke_key(session, key_id)
