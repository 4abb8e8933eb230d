"""/alerts: what Alertmanager tells, the history that comes of it, and who has seen it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import PEOPLE, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.alerts.acknowledgement import acknowledge, take_back
from pulseguard_registry.alerts.entries import Acknowledging, Alert, AlertFilters, AlertPage
from pulseguard_registry.alerts.firing import seconds_running
from pulseguard_registry.alerts.history import list_alerts, read_alert
from pulseguard_registry.alerts.schemas import Notification, NotificationReceipt
from pulseguard_registry.alerts.service import take_notification
from pulseguard_registry.alerts.tolerant_json import TolerantRoute
from pulseguard_registry.alerts.watchdog import AlertPath, read_path
from pulseguard_registry.database.engine import DatabaseSession
from pulseguard_registry.strict_json import StrictRoute

router = APIRouter(prefix=f"{API_PREFIX}/alerts", tags=["alerts"], route_class=StrictRoute)
Notifier = Annotated[Principal, requires("prometheus", "admin")]
People = Annotated[Principal, requires(*PEOPLE)]
Operator = Annotated[Principal, requires("editor", "admin")]
Running = Annotated[float, Depends(seconds_running)]
EntryId = Annotated[int, Path(ge=1, lt=2**63, description="The id of an entry of the history.")]


def receive_notification(
    notification: Notification, notifier: Notifier, session: DatabaseSession
) -> NotificationReceipt:
    """For Alertmanager: stores each alert once per fingerprint, start and status, however often
    it is delivered, and when that was last. Answered after the commit. The dead man's switch
    (Watchdog) is not stored: when it was told last is in `/alerts/path`."""
    return take_notification(session, notification.alerts)


router.add_api_route(
    "/webhook", receive_notification, methods=["POST"], route_class_override=TolerantRoute
)


@router.get("", response_model=AlertPage)
def get_alerts(
    filters: Annotated[AlertFilters, Query()],
    reader: People,
    session: DatabaseSession,
    running: Running,
) -> Response:
    """The history of alerts, the newest first, a page at a time. An alert that is over has two
    entries: `firing` and `resolved`, with the same fingerprint and start. Where one of them was
    never told, the other stands alone."""
    # As it is: hundreds of entries are built as JSON at once here, not each value anew.
    page = list_alerts(session, filters, running)
    return Response(page.model_dump_json(), media_type="application/json")


@router.get("/path")
def get_alert_path(reader: People, session: DatabaseSession, running: Running) -> AlertPath:
    """Whether alerts can reach the registry now, by the dead man's switch: an alert that always
    fires, of which Prometheus and Alertmanager tell every minute where all is well."""
    return read_path(session, running)


@router.get("/{alert_id}")
def get_alert(
    alert_id: EntryId, reader: People, session: DatabaseSession, running: Running
) -> Alert:
    """One entry of the history, with the agent as it was when the alert began."""
    return read_alert(session, alert_id, running)


@router.post("/{alert_id}/ack")
def acknowledge_alert(
    alert_id: EntryId,
    said: Acknowledging,
    operator: Operator,
    session: DatabaseSession,
    running: Running,
) -> Alert:
    """Note that you have seen an alert, for others to read: who, when, and a note. It belongs to
    the alert, so both of its entries show it, and the same alert that fires anew is not
    acknowledged. The same note again by the same key changes nothing; another note, or
    another's, replaces it. It silences nothing:
    for that an agent is put under maintenance, or a silence made in Alertmanager."""
    acknowledge(session, read_alert(session, alert_id, running), operator, said.note)
    return read_alert(session, alert_id, running)


@router.delete("/{alert_id}/ack", status_code=204)
def take_acknowledgement_back(
    alert_id: EntryId, operator: Operator, session: DatabaseSession, running: Running
) -> None:
    """As if nobody had seen the alert. Where nobody has, nothing changes."""
    take_back(session, read_alert(session, alert_id, running))
