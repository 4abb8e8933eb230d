"""The upkeep of partitions while the fleet reports: the database's clock passes three midnights."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from pulseguard_registry import upkeep
from pulseguard_registry.snapshots import partitions, schemas
from tests.registry.running import RunningRegistry, running_registry, snapshot

TODAY = datetime.now(UTC).date()
# Stands before PostgreSQL's own now() in the search path of this database.
CLOCK = """
    CREATE SCHEMA moved;
    CREATE TABLE moved.clock (days int);
    INSERT INTO moved.clock VALUES (0);
    CREATE FUNCTION moved.now() RETURNS timestamptz LANGUAGE sql STABLE AS
        $$ SELECT pg_catalog.now() + make_interval(days => days) FROM moved.clock $$;
    DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = moved, pg_catalog, public',
                               current_database()); END $$
"""


class Fleet:
    """Agents that report as fast as they are answered, each snapshot of another moment."""

    def __init__(self, registry: RunningRegistry) -> None:
        self._registry = registry
        self._agents = [registry.register(f"agent-{number}")["id"] for number in range(3)]
        self._moments = itertools.count()
        self._ended = threading.Event()
        self.days = [TODAY]
        self.refused: list[str] = []
        self.longest_seconds = 0.0
        self.stored: list[date] = []

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """As long as this lasts."""
        threads = [threading.Thread(target=self._report, args=[one]) for one in self._agents]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()

    def _report(self, agent_id: str) -> None:
        while not self._ended.is_set():
            number = next(self._moments)
            day = self.days[number % len(self.days)]
            moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
            body = {"snapshot": snapshot((moment + timedelta(microseconds=number)).isoformat())}
            began = time.monotonic()
            answer = self._registry.post(f"/api/v1/agents/{agent_id}/heartbeat", body)
            self.longest_seconds = max(self.longest_seconds, time.monotonic() - began)
            if answer.status_code == 200:
                self.stored.append(day)
            else:
                self.refused.append(answer.text)


def at_midnight(registry: RunningRegistry, fleet: Fleet, days: int) -> None:
    """The database's clock goes on to another day, and the house is kept."""
    registry.execute(f"UPDATE moved.clock SET days = {days}")
    fleet.days = [TODAY, TODAY + timedelta(days=days)]
    upkeep.keep_house(registry.app.state.database, registry.app.state.settings)


def test_three_midnights_and_a_long_reader_hold_up_no_heartbeat(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partitions, "PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(partitions, "ATTEMPTS", 2)
    # By the database's clock the fleet is two days ahead at first.
    monkeypatch.setattr(schemas, "MOST_AHEAD", timedelta(days=3))
    with psycopg.connect(database_url) as connection:
        connection.execute(CLOCK)
        connection.execute("UPDATE moved.clock SET days = -2")
    with running_registry(database_url, tmp_path, snapshot_retention_days=1) as registry:
        # What comes for this day has no partition at first, and moves into it when it is made.
        registry.execute(f"DROP TABLE ai_metrics_{TODAY:%Y%m%d}")
        fleet = Fleet(registry)
        with fleet.reporting():
            at_midnight(registry, fleet, -1)
            with psycopg.connect(database_url) as reader:
                reader.execute("SELECT count(*) FROM ai_metrics")
                at_midnight(registry, fleet, 0)
                at_midnight(registry, fleet, 1)
                of_yesterday = (
                    f"SELECT to_regclass('ai_metrics_{TODAY - timedelta(days=1):%Y%m%d}')"
                )
                assert registry.rows(of_yesterday) != [(None,)]  # the reader may read on
            at_midnight(registry, fleet, 1)

        homes = registry.rows(
            "SELECT inhrelid::regclass::text FROM pg_inherits"
            " WHERE inhparent = 'ai_metrics'::regclass ORDER BY 1"
        )
        kept = registry.rows("SELECT tableoid::regclass::text, count(*) FROM ai_metrics GROUP BY 1")

    assert fleet.refused == []
    assert fleet.longest_seconds < 1
    days = [f"ai_metrics_{TODAY + timedelta(days=ahead):%Y%m%d}" for ahead in range(5)]
    assert [name for (name,) in homes] == [*days, "ai_metrics_default"]
    ahead = [TODAY, TODAY + timedelta(days=1)]
    assert dict(kept) == {f"ai_metrics_{day:%Y%m%d}": fleet.stored.count(day) for day in ahead}
