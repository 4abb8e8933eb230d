"""/alerts: what Alertmanager tells, and the history that comes of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import PEOPLE, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.alerts import service
from pulseguard_registry.alerts.firing import seconds_running
from pulseguard_registry.alerts.schemas import (
    AlertFilters,
    AlertPage,
    Notification,
    NotificationReceipt,
)
from pulseguard_registry.alerts.tolerant_json import TolerantRoute
from pulseguard_registry.database.engine import DatabaseSession
from pulseguard_registry.strict_json import StrictRoute

router = APIRouter(prefix=f"{API_PREFIX}/alerts", tags=["alerts"], route_class=StrictRoute)
Notifier = Annotated[Principal, requires("prometheus", "admin")]
People = Annotated[Principal, requires(*PEOPLE)]
Running = Annotated[float, Depends(seconds_running)]


def receive_notification(
    notification: Notification, notifier: Notifier, session: DatabaseSession
) -> NotificationReceipt:
    """For Alertmanager: stores each alert once per fingerprint, start and status, however often
    it is delivered, and when that was last. Answered after the commit."""
    stored = service.store_alerts(session, notification.alerts)
    return NotificationReceipt(stored=stored, repeated=len(notification.alerts) - stored)


router.add_api_route(
    "/webhook", receive_notification, methods=["POST"], route_class_override=TolerantRoute
)


@router.get("")
def list_alerts(
    filters: Annotated[AlertFilters, Query()],
    reader: People,
    session: DatabaseSession,
    running: Running,
) -> AlertPage:
    """The history of alerts, the newest first, a page at a time. An alert that is over has two
    entries: `firing` and `resolved`, with the same fingerprint and start. Where one of them was
    never told, the other stands alone."""
    return service.list_alerts(session, filters, running)
