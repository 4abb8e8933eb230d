"""/alerts/receivers, /alerts/test: whom alerts reach, by what Alertmanager says.

No request of these holds a connection, or a thread that others need, while Alertmanager is asked.
"""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import PEOPLE, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.alertmanager.room import Room
from pulseguard_registry.alerts.receivers import Receivers, read_receivers
from pulseguard_registry.alerts.way import (
    AlertTestResult,
    SentAlertTest,
    conclude,
    find_test,
    keep_test,
    look,
    none_sent,
    read_told,
    send_test,
)
from pulseguard_registry.database.transactions import committed, read_only
from pulseguard_registry.strict_json import StrictRoute

router = APIRouter(prefix=f"{API_PREFIX}/alerts", tags=["alerts"], route_class=StrictRoute)
People = Annotated[Principal, requires(*PEOPLE)]
Operator = Annotated[Principal, requires("editor", "admin")]


@router.get("/receivers")
async def get_receivers(reader: People, request: Request) -> Receivers:
    """The receivers that Alertmanager has, without the registry's own and the dead man's switch,
    and whether alerts reach anybody."""
    room: Room = request.app.state.alertmanager_room
    return await room.ask(read_receivers)


@router.post("/test")
async def send_test_alert(
    operator: Operator, request: Request, response: Response
) -> SentAlertTest:
    """Send a marked alert, PulseGuardTest, the whole way over Alertmanager to whoever is told of
    alerts. It ends by itself within two minutes."""
    room: Room = request.app.state.alertmanager_room
    told = await read_only(request, read_told)
    sending = await room.ask(lambda alertmanager: send_test(alertmanager, operator.name))
    return await committed(request, response, lambda session: keep_test(session, sending, told))


@router.get("/test")
async def get_test_alert(
    reader: People,
    request: Request,
    response: Response,
    test_id: Annotated[uuid.UUID | None, Query(description="Of which; the last if absent.")] = None,
) -> AlertTestResult:
    """Which receiver took a test alert, and what that rests on. People are told about 30 s after it
    was sent, where Alertmanager groups alerts for them: ask again until then. What was found last
    is kept for a day."""
    room: Room = request.app.state.alertmanager_room
    test = await read_only(request, lambda session: find_test(session, test_id))
    if test is None:
        return none_sent()
    found = test.id
    seen = await room.ask(lambda alertmanager: look(alertmanager, found))
    return await committed(request, response, lambda session: conclude(session, found, seen))
