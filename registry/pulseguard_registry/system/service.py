"""Counts the fleet."""

from __future__ import annotations

from collections import Counter
from typing import get_args

from sqlalchemy import distinct, func, literal, select, text
from sqlalchemy.orm import Session

from pulseguard_registry.agents.models import Agent
from pulseguard_registry.agents.schemas import AgentType
from pulseguard_registry.agents.status import STATUSES, status_expression
from pulseguard_registry.alerts.firing import fires
from pulseguard_registry.alerts.marks import TEST
from pulseguard_registry.alerts.models import Alert
from pulseguard_registry.system.schemas import AgentCounts, SnapshotCounts

# What autovacuum and the writes themselves keep count of.
_SNAPSHOTS = text("""
SELECT coalesce(sum(n_live_tup), 0)::bigint,
       coalesce(sum(n_live_tup) FILTER (WHERE relname = 'ai_metrics_default'), 0)::bigint
  FROM pg_stat_user_tables WHERE relname LIKE 'ai\\_metrics\\_%'
""")
_DATABASE = text("SELECT current_setting('server_version'), pg_database_size(current_database())")
# In the text of the statement, as `fires` has its values.
_TEST = literal(TEST, literal_execute=True)


def count_agents(session: Session, offline_after_seconds: float) -> AgentCounts:
    """The agents that were not retired; a status or type that none has counts 0."""
    status = status_expression(offline_after_seconds)
    query = (
        select(status, Agent.environment, Agent.type, func.count())
        .where(Agent.retired_at.is_(None))
        .group_by(status, Agent.environment, Agent.type)
    )
    by_status = Counter(dict.fromkeys(STATUSES, 0))
    by_type = Counter(dict.fromkeys(get_args(AgentType), 0))
    by_environment: Counter[str] = Counter()
    for now, environment, kind, count in session.execute(query):
        by_status[now] += count
        by_environment[environment] += count
        by_type[kind] += count
    return AgentCounts(
        total=by_status.total(),
        by_status=dict(by_status),
        by_environment=dict(sorted(by_environment.items())),
        by_type=dict(by_type),
    )


def count_snapshots(session: Session) -> SnapshotCounts:
    """The snapshots that are kept, estimated."""
    stored, late = session.execute(_SNAPSHOTS).one()
    return SnapshotCounts(stored=stored, late=late)


def count_firing_alerts(session: Session, running_seconds: float) -> int:
    """The alerts that fire now, each once, and no tests of the way."""
    query = select(func.count(distinct(Alert.fingerprint))).where(
        fires(running_seconds), Alert.alertname != _TEST
    )
    return session.execute(query).scalar_one()


def database_facts(session: Session) -> tuple[str, int]:
    """The version of PostgreSQL, and the size of this database in bytes."""
    version, size = session.execute(_DATABASE).one()
    return version.split()[0], size
