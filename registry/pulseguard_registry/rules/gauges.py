"""The gauges of rule groups, which `/metrics/agents` tells beside those of agents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pulseguard import catalog
from pulseguard_registry.agents.gauges import counts, family
from pulseguard_registry.rules.loading import STATES, Report, Target, prove, read_reports, shown
from pulseguard_registry.rules.models import GroupRow, SyncRow


def rule_gauges(session: Session) -> str:
    """How many groups are in which state, and for how long the oldest pending one has been so."""
    query = select(
        GroupRow.id,
        GroupRow.revision,
        GroupRow.version,
        GroupRow.content.is_not(None),
        GroupRow.changed_at,
    )
    reports = read_reports(session)
    groups = [
        (Target(group_id, revision, version, present), changed_at)
        for group_id, revision, version, present, changed_at in session.execute(query)
    ]
    by_state = Counter(shown(target, reports)[0] for target, _ in groups)
    numbers = {state: by_state[state] for state in STATES}
    age = _pending_seconds(session, groups, reports)
    return family(catalog.REGISTRY_RULE_GROUPS, counts(catalog.LABEL_STATE, numbers)) + family(
        catalog.REGISTRY_RULES_PENDING, [f" {age:.3f}"]
    )


def _pending_seconds(
    session: Session, groups: Sequence[tuple[Target, datetime]], reports: Sequence[Report]
) -> float:
    """Since when the oldest is: it was changed, and the Prometheus has been told of since then.

    Where none tells now, by what was told last: all that was loaded then is so still.
    """
    now = session.execute(select(func.now())).scalar_one()
    told_since = _told_since(session)
    asked = [report for report in reports if report.is_current] or reports
    pending = (
        max(changed_at, told_since.get(report.prometheus, now))
        for target, changed_at in groups
        for report in asked
        if prove(target, report).state == "pending"
    )
    return max(0.0, (now - min(pending, default=now)).total_seconds())


def _told_since(session: Session) -> Mapping[str, datetime]:
    rows = session.execute(select(SyncRow.prometheus, SyncRow.told_since))
    return {row.prometheus: row.told_since for row in rows}
