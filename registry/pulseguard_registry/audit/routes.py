"""/audit: who changed what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.audit import service
from pulseguard_registry.audit.schemas import AuditFilters, AuditPage
from pulseguard_registry.database.engine import DatabaseSession
from pulseguard_registry.strict_json import StrictRoute

router = APIRouter(prefix=f"{API_PREFIX}/audit", tags=["access"], route_class=StrictRoute)
Admin = Annotated[Principal, requires("admin")]


@router.get("")
def list_records(
    filters: Annotated[AuditFilters, Query()], admin: Admin, session: DatabaseSession
) -> AuditPage:
    """The changes that were made, the newest first, a page at a time. Heartbeats, snapshots and
    what Alertmanager tells are no changes in this sense."""
    return service.list_records(session, filters)
