"""Where inventory, heartbeats and scrapes tell different things about an agent."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pulseguard_registry.agents.models import Agent
from pulseguard_registry.agents.status import Status, status_expression, status_reason_expression
from pulseguard_registry.scrapes.models import ScrapeReport
from pulseguard_registry.scrapes.schemas import (
    Disagreement,
    DisagreementKind,
    Disagreements,
    ScrapeState,
)
from pulseguard_registry.scrapes.service import is_current, scraped_expression

SHOWN_OF_A_KIND = 500


def read_disagreements(session: Session, offline_after_seconds: float) -> Disagreements:
    """All of them, as far as a Prometheus tells; none where none does."""
    reports = session.execute(
        select(ScrapeReport.prometheus, ScrapeReport.strangers)
        .where(is_current())
        .order_by(ScrapeReport.prometheus)
    ).all()
    found = [
        Disagreement(kind="scraped_not_registered", agent_id=stranger, scraped="up")
        for stranger in sorted({stranger for report in reports for stranger in report.strangers})
    ]
    if reports:
        found += _of_registered(session, offline_after_seconds)
    found.sort(key=lambda item: (item.kind, item.agent_id))
    return Disagreements(prometheus=[report.prometheus for report in reports], items=found)


def disagreement_of(
    status: Status, reason: str | None, scraped: ScrapeState | None
) -> DisagreementKind | None:
    """What does not fit together, if anything. Planned work explains everything."""
    if scraped is None or status == "MAINTENANCE":
        return None
    if scraped == "up":
        return "scraped_but_silent" if reason in ("silent", "stopped") else None
    if scraped == "absent":
        return "registered_not_scraped"
    return "beats_but_down" if status in ("ONLINE", "ERROR") else None


def _of_registered(session: Session, offline_after_seconds: float) -> list[Disagreement]:
    query = select(
        Agent.id,
        Agent.name,
        Agent.instance,
        status_expression(offline_after_seconds),
        status_reason_expression(offline_after_seconds),
        scraped_expression(),
    ).where(Agent.retired_at.is_(None), func.coalesce(scraped_expression(), "") != "")
    found: list[Disagreement] = []
    shown: dict[str, int] = {}
    for agent_id, name, instance, status, reason, scraped in session.execute(
        query.order_by(Agent.id)
    ):
        kind = disagreement_of(status, reason, scraped)
        if kind is None or shown.get(kind, 0) >= SHOWN_OF_A_KIND:
            continue
        shown[kind] = shown.get(kind, 0) + 1
        found.append(
            Disagreement(
                kind=kind,
                agent_id=str(agent_id),
                name=name,
                instance=instance,
                status=status,
                scraped=scraped,
            )
        )
    return found
