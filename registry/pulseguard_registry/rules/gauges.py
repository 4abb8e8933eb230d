"""The gauges of rule groups, which `/metrics/agents` tells beside those of agents."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pulseguard import catalog
from pulseguard_registry.agents.gauges import counts, family
from pulseguard_registry.rules.loading import STATES, Target, read_reports, shown
from pulseguard_registry.rules.models import GroupRow

_AGE = func.extract("epoch", func.now() - GroupRow.changed_at)


def rule_gauges(session: Session) -> str:
    """How many groups are in which state, and for how long the oldest pending one has been so."""
    query = select(
        GroupRow.id, GroupRow.revision, GroupRow.version, GroupRow.content.is_not(None), _AGE
    )
    reports = read_reports(session)
    states = [
        (shown(Target(group_id, revision, version, present), reports)[0], float(age))
        for group_id, revision, version, present, age in session.execute(query)
    ]
    by_state = Counter(state for state, _ in states)
    oldest = max((age for state, age in states if state == "pending"), default=0.0)
    numbers = {state: by_state[state] for state in STATES}
    return family(catalog.REGISTRY_RULE_GROUPS, counts(catalog.LABEL_STATE, numbers)) + family(
        catalog.REGISTRY_RULES_PENDING, [f" {oldest:.3f}"]
    )
