"""/sync: what stands beside a Prometheus tells; /system/disagreements: what follows from it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from pulseguard_registry import API_PREFIX
from pulseguard_registry.access.guard import PEOPLE, requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.database.engine import DatabaseSession
from pulseguard_registry.fields import Name
from pulseguard_registry.scrapes import disagreement, service
from pulseguard_registry.scrapes.schemas import Disagreements, ScrapeReceipt, ScrapeReportSent
from pulseguard_registry.strict_json import StrictRoute

router = APIRouter(prefix=API_PREFIX, tags=["system"], route_class=StrictRoute)
Sync = Annotated[Principal, requires("prometheus", "admin")]
People = Annotated[Principal, requires(*PEOPLE)]


@router.put("/sync/{prometheus}")
def store_scrapes(
    prometheus: Annotated[Name, Path(description="The name of the Prometheus that scrapes.")],
    report: ScrapeReportSent,
    sync: Sync,
    session: DatabaseSession,
) -> ScrapeReceipt:
    """What one Prometheus scrapes, all of it, every 15 s: it replaces the report before, and is
    believed for 60 s."""
    return service.store_report(session, prometheus, report.scrapes)


@router.get("/system/disagreements", response_model=Disagreements)
def read_disagreements(reader: People, session: DatabaseSession, request: Request) -> Response:
    """Agents that are registered and not scraped, scraped and not registered, scraped and silent,
    scraped and retired, or alive and not to be scraped, as far as a Prometheus tells; those that
    are retired and that this registry has refused within a minute; and those as whom two processes
    beat. What Prometheus has not had the time for, 45 s, is none."""
    state = request.app.state
    found = disagreement.read_disagreements(
        session, state.settings.offline_after_seconds, state.still_running.heard()
    )
    # As it is: hundreds of them are built as JSON at once here, not each value anew.
    return Response(found.model_dump_json(), media_type="application/json")
