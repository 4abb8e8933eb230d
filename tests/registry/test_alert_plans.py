"""The history stays fast as it grows: no filter reads all of it, nor does what drops the old."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from pulseguard_registry.alerts.entries import AlertFilters
from pulseguard_registry.alerts.history import list_alerts, read_alert
from pulseguard_registry.alerts.retention import drop_old_alerts
from pulseguard_registry.alerts.timeline import TimelineFilters, read_timeline
from pulseguard_registry.system.service import count_firing_alerts
from tests.registry.conftest import engine_of, new_database

AGENT = UUID(int=7)
# Long enough for PostgreSQL to see what an index is for.
MANY = """
INSERT INTO agents (id, name, instance, environment, type, deployment_type)
SELECT lpad(to_hex(n), 32, '0')::uuid, 'bot' || n, 'i', 'e' || n % 50, 'CUSTOM', 'LOCAL'
  FROM generate_series(1, 200) n;
INSERT INTO alerts (fingerprint, status, alertname, severity, agent_id, agent_name, environment,
                    team, starts_at, ends_at, received_at, last_told_at)
SELECT n::text, status, 'name' || n % 50, 'severity' || n % 50,
       lpad(to_hex(1 + n % 200), 32, '0')::uuid, 'bot' || n % 200, 'e' || n % 50, 't' || n % 50,
       moment, CASE WHEN status = 'resolved' THEN moment END, moment, moment
  FROM generate_series(1, 15000) n, unnest('{firing,resolved}'::text[]) status,
       LATERAL (SELECT now() - n * interval '8 min' AS moment);
INSERT INTO agent_events (agent_id, kind, at)
SELECT lpad(to_hex(1 + n % 200), 32, '0')::uuid, 'returned', now() - n * interval '1 min'
  FROM generate_series(1, 10000) n;
"""
# Each of fifty alerts began anew again and again, and what was before is told still.
FLAPPING = """
INSERT INTO alerts (fingerprint, status, starts_at)
SELECT n::text, 'firing', now() - again * interval '1 s'
  FROM generate_series(1, 50) n, generate_series(1, 40) again
"""
# Entries read up to now, of the table and of its indexes.
READ = text("""
SELECT sum(pg_stat_get_xact_tuples_returned(relation))
  FROM (SELECT 'alerts'::regclass::oid AS relation
        UNION SELECT indexrelid::oid FROM pg_index WHERE indrelid = 'alerts'::regclass) AS relations
""")
# After so many times a statement may have been planned once for whatever values.
OFTEN = 15


@pytest.fixture(scope="module")
def engine(postgres: str) -> Iterator[Engine]:
    """A history of thirty thousand entries."""
    with new_database(postgres) as url, engine_of(url) as one:
        with one.begin() as connection:
            connection.execute(text(MANY))
        with one.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
            connection.close()
        yield one


def scans(engine: Engine, ask: Any) -> list[str]:
    """The lines of the plans of what is asked that read a whole table of the history."""
    asked: list[tuple[str, Any]] = []

    def note(*said: Any) -> None:
        asked.append((said[2], said[3]))

    with Session(engine) as session:
        event.listen(engine, "before_cursor_execute", note)
        try:
            ask(session)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        connection: Any = session.connection().connection
        plans = [connection.execute(f"EXPLAIN {query}", given).fetchall() for query, given in asked]
        session.rollback()
    lines = [line for plan in plans for (line,) in plan]
    assert lines
    tables = ("alerts", "agent_events")
    return [line for line in lines if any(f"Seq Scan on {table}" in line for table in tables)]


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"status": "firing"},
        {"status": "resolved"},
        {"agent_id": AGENT},
        {"alertname": "name7"},
        {"severity": "severity7"},
        {"agent_name": "bot7"},
        {"environment": "e7"},
        {"team": "t7", "status": "resolved"},
        {"acknowledged": True},
        {"acknowledged": False},
        {"since": "2026-01-01T00:00:00Z", "until": "2026-01-01T01:00:00Z"},
        {"cursor": 20000},
    ],
    ids=str,
)
def test_no_filter_reads_the_whole_history(engine: Engine, filters: dict[str, Any]) -> None:
    chosen = AlertFilters.model_validate(filters)

    assert scans(engine, lambda session: list_alerts(session, chosen, 3600.0)) == []


def test_neither_an_entry_nor_a_timeline_does(engine: Engine) -> None:
    chosen = TimelineFilters.model_validate({"limit": 50})

    assert scans(engine, lambda session: read_alert(session, 7, 3600.0)) == []
    assert scans(engine, lambda session: read_timeline(session, AGENT, chosen)) == []


def test_nor_does_the_number_of_those_that_fire(engine: Engine) -> None:
    assert scans(engine, lambda session: count_firing_alerts(session, 3600.0)) == []


def test_nor_does_what_drops_the_old(engine: Engine) -> None:
    assert scans(engine, lambda session: drop_old_alerts(session.connection(), 80, 50)) == []


def test_those_that_fire_are_counted_without_reading_an_entry_for_each_other_one(
    postgres: str,
) -> None:
    with new_database(postgres) as url, engine_of(url) as one, Session(one) as session:
        session.execute(text(FLAPPING))
        session.execute(text("ANALYZE alerts"))
        session.commit()
        for _ in range(OFTEN):
            before = session.execute(READ).scalar_one()
            assert count_firing_alerts(session, 3600.0) == 50
            assert session.execute(READ).scalar_one() - before <= 5 * 50 * 40
            session.commit()
