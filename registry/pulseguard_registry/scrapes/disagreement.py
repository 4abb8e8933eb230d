"""Where inventory, heartbeats and scrapes tell different things about an agent."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from pulseguard_registry.agents.models import Agent
from pulseguard_registry.agents.processes import processes_expression
from pulseguard_registry.agents.status import Status, status_expression, status_reason_expression
from pulseguard_registry.scrapes.models import ScrapeReport
from pulseguard_registry.scrapes.schemas import (
    Disagreement,
    DisagreementKind,
    Disagreements,
    ScrapeState,
)
from pulseguard_registry.scrapes.service import is_current, is_up_by_agent, scraped_expression

SHOWN_OF_A_KIND = 500
_SILENT = ("never_heard", "silent", "stopped")


def read_disagreements(session: Session, offline_after_seconds: float) -> Disagreements:
    """All of them; where no Prometheus tells, two processes of one agent are all that is known."""
    reports = session.execute(
        select(ScrapeReport.prometheus, ScrapeReport.strangers)
        .where(is_current())
        .order_by(ScrapeReport.prometheus)
    ).all()
    found = [
        Disagreement(kind="scraped_not_registered", agent_id=stranger)
        for stranger in sorted({stranger for report in reports for stranger in report.strangers})
    ]
    found += _of_registered(session, offline_after_seconds)
    found.sort(key=lambda item: (item.kind, item.agent_id))
    return Disagreements(prometheus=[report.prometheus for report in reports], items=found)


def disagreements_of(
    status: Status, reason: str | None, scraped: ScrapeState | None, processes: list[str] | None
) -> list[DisagreementKind]:
    """What does not fit together, if anything."""
    kind = _of_scrape(status, reason, scraped)
    found: list[DisagreementKind] = [] if kind is None else [kind]
    return [*found, "two_processes"] if processes else found


def _of_scrape(
    status: Status, reason: str | None, scraped: ScrapeState | None
) -> DisagreementKind | None:
    # Planned work explains everything.
    if scraped is None or status == "MAINTENANCE":
        return None
    if scraped == "up":
        return "scraped_but_silent" if reason in _SILENT else None
    if scraped == "absent":
        return "registered_not_scraped"
    return "beats_but_down" if status in ("ONLINE", "ERROR") else None


def _of_registered(session: Session, offline_after_seconds: float) -> list[Disagreement]:
    found: list[Disagreement] = []
    shown: Counter[str] = Counter()
    for row in session.execute(_doubtful(offline_after_seconds)):
        for kind in disagreements_of(row.status, row.reason, row.scraped, row.processes):
            shown[kind] += 1
            if shown[kind] <= SHOWN_OF_A_KIND:
                found.append(
                    Disagreement(
                        kind=kind,
                        agent_id=str(row.id),
                        name=row.name,
                        instance=row.instance,
                        status=row.status,
                        scraped=row.scraped,
                        processes=row.processes if kind == "two_processes" else [],
                    )
                )
    return found


def _doubtful(offline_after_seconds: float) -> Select[*tuple[Any, ...]]:
    """Those that are worth a look: nearly all of a fleet is scraped and beats."""
    is_up = is_up_by_agent()
    seen = (
        select(
            Agent.id,
            Agent.name,
            Agent.instance,
            status_expression(offline_after_seconds).label("status"),
            status_reason_expression(offline_after_seconds).label("reason"),
            scraped_expression(is_up.c.is_up).label("scraped"),
            processes_expression(offline_after_seconds).label("processes"),
        )
        .outerjoin(is_up, is_up.c.agent_id == Agent.id)
        .where(Agent.retired_at.is_(None))
        .cte("seen")
        # Else PostgreSQL looks the scrape up again for each place that speaks of it.
        .prefix_with("MATERIALIZED")
    )
    is_doubtful = or_(
        seen.c.scraped != "up",
        and_(seen.c.scraped.is_not(None), seen.c.reason.is_not(None)),
        seen.c.processes.is_not(None),
    )
    return select(seen).where(is_doubtful).order_by(seen.c.id)
