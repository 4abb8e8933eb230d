"""/rules/bundle: what Prometheus is to have; /sync: what each one has."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Header, Path, Request, Response

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import PEOPLE, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.database.engine import DatabaseSession, ReadingSession
from pulseguard_registry.discovery.state import IN_DOUBT_SECONDS
from pulseguard_registry.fields import Name
from pulseguard_registry.problems import unavailable
from pulseguard_registry.rules.loading import Load, store_report
from pulseguard_registry.rules.reports import RuleReport, Syncs, read_syncs
from pulseguard_registry.strict_json import StrictRoute

router = APIRouter(prefix=API_PREFIX, tags=["rules"], route_class=StrictRoute)
Sync = Annotated[Principal, requires("prometheus", "admin")]
People = Annotated[Principal, requires(*PEOPLE)]

_EXAMPLE = {
    "version": 17,
    "groups": [
        {
            "id": "0f8c4b0e-3f0e-5a52-8f5e-0a4a1f0f7a55",
            "name": "invoices",
            "file": "0f8c4b0e-3f0e-5a52-8f5e-0a4a1f0f7a55.yml",
            "revision": 3,
            "content": "groups:\n- name: invoices\n  rules:\n  - record: a:b:c\n    expr: '1'\n",
        }
    ],
}
_TAGGED = {
    "ETag": {"description": "Of the bundle, for If-None-Match", "schema": {"type": "string"}}
}
_RESPONSES = {
    200: {
        "description": "The files of all groups",
        "headers": _TAGGED,
        "content": {"application/json": {"schema": {"type": "object"}, "example": _EXAMPLE}},
    },
    304: {
        "description": "The bundle is still the one with the ETag in If-None-Match",
        "headers": _TAGGED,
    },
}
Known = Annotated[
    str, Header(alias="If-None-Match", description="The ETag of the bundle that the asker has.")
]


@router.get("/rules/bundle", responses=_RESPONSES, response_class=Response)  # type: ignore[arg-type]
async def read_bundle(sync: Sync, request: Request, known: Known = "") -> Response:
    """One rule file for each group that Prometheus is to have. What the database has not confirmed
    within the last 3 s is answered 503, on which the files stay as they are."""
    state = request.app.state
    bundle = state.bundle.current
    age_seconds = time.monotonic() - state.supervisor.confirmed_at
    if bundle is None or age_seconds > IN_DOUBT_SECONDS:
        raise unavailable("the database has not confirmed the rules within 3 s; keep yours")
    headers = {"ETag": bundle.etag, "Cache-Control": "no-cache"}
    if bundle.etag in known:
        return Response(status_code=304, headers=headers)
    return Response(bundle.body, headers=headers, media_type="application/json")


@router.put("/sync/{prometheus}/rules", status_code=204)
def store_rules(
    prometheus: Annotated[Name, Path(description="The name of the Prometheus.")],
    report: RuleReport,
    sync: Sync,
    session: DatabaseSession,
) -> None:
    """What one Prometheus has of the bundle, all of it, with every change and every 15 s: it
    replaces the report before, and is believed for 60 s."""
    loads = {str(each): Load(**dict(load)) for each, load in report.groups.items()}
    store_report(session, prometheus, report.version, report.trouble, loads)


@router.get("/sync")
def list_syncs(reader: People, session: ReadingSession) -> Syncs:
    """Each Prometheus of which anything was told within a day: whether it still is, and how many
    rule groups are pending, loaded and rejected there."""
    return read_syncs(session)
