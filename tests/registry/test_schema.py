"""The schema: what its steps carry over, and what is kept in PostgreSQL and not in our heads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, inspect, text

from pulseguard_registry import upkeep
from pulseguard_registry.access.models import ApiKey
from pulseguard_registry.agents.models import Agent, AgentProcesses, Watch
from pulseguard_registry.alerts.models import Acknowledgement, AlertTest, Watchdog
from pulseguard_registry.audit.models import AuditRecord
from pulseguard_registry.database.diagnosis import place_of
from pulseguard_registry.database.migrate import downgrade, upgrade
from pulseguard_registry.discovery.models import ServedTarget
from pulseguard_registry.events.models import AgentEvent, AgentTold
from pulseguard_registry.rules.models import GroupRow, RevisionRow, RuleRow, SyncRow
from pulseguard_registry.scrapes.models import AgentScrape, ScrapeReport
from pulseguard_registry.snapshots.partitions import keep_partitions, outlived_days
from pulseguard_registry.snapshots.table import COLUMNS
from tests.registry.running import (
    RunningRegistry,
    eventually,
    registration,
    running_registry,
)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on this test's database."""
    made = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    yield made
    made.dispose()


def test_agents_stay_when_what_was_added_to_them_goes_and_comes_again(
    database_url: str, engine: Engine
) -> None:
    def kept() -> list[tuple[object, ...]]:
        with engine.begin() as connection:
            query = text("SELECT name, version, tags, retired_at FROM agents ORDER BY name")
            return [tuple(row) for row in connection.execute(query)]

    def execute(statement: str) -> None:
        with engine.begin() as connection:
            connection.execute(text(statement))

    downgrade(engine, "0003")
    execute(
        "INSERT INTO agents (id, name, instance, environment, type, deployment_type, retired_at)"
        " SELECT gen_random_uuid(), 'a' || n, 'i', 'e', 'CUSTOM', 'LOCAL',"
        " CASE WHEN n = 1 THEN now() END FROM generate_series(1, 3) n"
    )
    upgrade(engine, place_of(database_url))
    execute("UPDATE agents SET version = '2', tags = '{x}' WHERE name <> 'a1'")
    before = kept()
    with engine.begin() as connection:
        revisions = connection.execute(text("SELECT revision FROM agents ORDER BY name")).scalars()
        assert list(revisions) == [1, 2, 2]
        told = connection.execute(text("SELECT kind FROM agent_events ORDER BY kind")).scalars()
        assert list(told) == ["changed", "changed", "version_changed", "version_changed"]
    execute(
        "INSERT INTO api_keys (id, name, role, environment, digest, pepper_id, agent_id)"
        " SELECT gen_random_uuid(), 'own', 'agent', 'e', int4send(1), '', id FROM agents"
        " WHERE name = 'a2'"
    )
    for process in ("one", "another"):
        execute(f"UPDATE agents SET process = '{process}'")
    execute(
        "INSERT INTO agent_events (agent_id, kind) SELECT id, 'two_processes_began' FROM agents"
    )
    for _ in range(2):
        downgrade(engine, "0003")
        upgrade(engine, place_of(database_url))

    assert kept() == before
    with engine.begin() as connection:
        # Else it would speak for every agent of its environment.
        assert list(connection.execute(text("SELECT name FROM api_keys"))) == []


def test_whom_an_operator_retired_and_own_keys_stay_when_what_tells_it_goes_and_comes_again(
    engine: Engine, database_url: str
) -> None:
    def kept() -> list[tuple[object, ...]]:
        with engine.begin() as connection:
            query = text(
                "SELECT agents.name, retired_by_operator, enrolled_by, api_keys.name FROM agents"
                " LEFT JOIN api_keys ON agent_id = agents.id ORDER BY agents.name"
            )
            return [tuple(row) for row in connection.execute(query)]

    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO agents (id, name, instance, environment, type, deployment_type)"
                " SELECT gen_random_uuid(), name, 'i', 'e', 'CUSTOM', 'LOCAL'"
                " FROM unnest('{back,long-gone,there,unwanted}'::text[]) name"
            )
        )
        retire = "UPDATE agents SET retired_at = now() WHERE name IN "
        for cause, names in (("operator", "('back', 'unwanted')"), ("silent", "('long-gone')")):
            connection.execute(text(f"SET LOCAL pulseguard.cause = '{cause}'"))
            connection.execute(text(retire + names))
        connection.execute(text("UPDATE agents SET retired_at = NULL WHERE name = 'back'"))
        connection.execute(text("SET LOCAL pulseguard.cause = 'silent'"))
        connection.execute(text(retire + "('back')"))
        connection.execute(
            text(
                "INSERT INTO api_keys (id, name, role, environment, digest, pepper_id, agent_id)"
                " SELECT gen_random_uuid(), 'own', 'agent', 'e', int4send(1), '', id FROM agents"
                " WHERE name = 'there'"
            )
        )
    downgrade(engine, "0008")
    upgrade(engine, place_of(database_url))

    assert kept() == [
        ("back", False, None, None),
        ("long-gone", False, None, None),
        ("there", False, None, "own"),
        ("unwanted", True, None, None),
    ]


def test_what_discovery_served_stays_known_when_its_table_changes(
    database_url: str, engine: Engine
) -> None:
    def served() -> list[tuple[object, ...]]:
        with engine.begin() as connection:
            query = text("SELECT * FROM served_targets ORDER BY left_at NULLS FIRST")
            # Since when it is served was not always kept.
            return [tuple(row)[:-1] for row in connection.execute(query)]

    values = """'10.0.0.1:9464', 'bot', '0', 'CUSTOM', 'test', '', '{"region": "eu"}'"""
    with engine.begin() as connection:
        for left_at, kept in (("NULL", values), ("now()", values), ("now() + '1 s'", "NULL")):
            row = f"INSERT INTO served_targets VALUES (gen_random_uuid(), {left_at}, {kept})"
            connection.execute(text(row))
    there, just_left, left_before = served()
    downgrade(engine, "0006")
    upgrade(engine, place_of(database_url))

    assert there[2:] == ("10.0.0.1:9464", "bot", "0", "CUSTOM", "test", "", {"region": "eu"})
    assert served() == [there, (*just_left[:2], *[None] * 7), left_before]


def test_the_mapped_tables_are_those_of_the_database(engine: Engine) -> None:
    for model in (
        *(
            Agent,
            AgentProcesses,
            Watch,
            AgentEvent,
            AgentTold,
            AgentScrape,
            ScrapeReport,
            ServedTarget,
            ApiKey,
            AuditRecord,
            Acknowledgement,
            AlertTest,
            Watchdog,
            GroupRow,
            RuleRow,
            RevisionRow,
            SyncRow,
        ),
    ):
        columns = {column["name"] for column in inspect(engine).get_columns(model.__tablename__)}
        assert {column.key for column in model.__mapper__.columns} == columns

    columns = {column["name"] for column in inspect(engine).get_columns("ai_metrics")}
    assert columns == {"agent_id", "received_at"} | {name for name, _ in COLUMNS}


def test_a_commit_that_fails_is_never_answered_with_success(registry: RunningRegistry) -> None:
    registry.execute(
        """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'refused at commit'; END $$;
        CREATE CONSTRAINT TRIGGER refuse_at_commit AFTER INSERT ON agents
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()
        """
    )

    answer = registry.post("/api/v1/agents", registration())

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert registry.rows("SELECT * FROM agents") == []


def test_partitions_are_made_ahead_and_dropped_after_their_time(engine: Engine) -> None:
    today = date(2026, 11, 23)
    for offset in range(12):
        keep_partitions(engine, today + timedelta(days=offset), retention_days=7)
    with engine.begin() as connection:
        names = connection.execute(
            text(
                "SELECT inhrelid::regclass::text FROM pg_inherits"
                " WHERE inhparent = 'ai_metrics'::regclass"
            )
        ).scalars()
        days = sorted(name.rpartition("_")[2] for name in names)

    assert days == [
        *(f"{date(2026, 11, 27) + timedelta(days=number):%Y%m%d}" for number in range(11)),
        "default",
    ]


INSERT = """
    INSERT INTO ai_metrics (agent_id, taken_at, interval_seconds, tokens_processed, api_calls_made,
                            model_calls, tasks_completed, tasks_failed, tokens_input,
                            tokens_cache_read, tokens_cache_write, tokens_output, tokens_reasoning)
    VALUES (gen_random_uuid(), :taken_at, 60, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
"""


def test_a_snapshot_from_the_future_moves_into_its_partition_when_that_day_comes(
    engine: Engine,
) -> None:
    keep_partitions(engine, date(2026, 11, 23), retention_days=7)
    with engine.begin() as connection:
        connection.execute(text(INSERT), {"taken_at": datetime(2026, 12, 5, 8, tzinfo=UTC)})
    keep_partitions(engine, date(2026, 12, 4), retention_days=7)
    with engine.begin() as connection:
        home = connection.execute(text("SELECT tableoid::regclass::text FROM ai_metrics")).scalar()

    assert home == "ai_metrics_20261205"


def test_what_no_partition_holds_is_deleted_after_its_time_too(engine: Engine) -> None:
    today = date(2026, 11, 23)
    with engine.begin() as connection:
        for age in (6, 7, 8, 400):
            taken_at = datetime(2026, 11, 23, tzinfo=UTC) - timedelta(days=age)
            connection.execute(text(INSERT), {"taken_at": taken_at})
    keep_partitions(engine, today, retention_days=7)
    with engine.begin() as connection:
        kept = connection.execute(
            text("SELECT taken_at::date FROM ai_metrics ORDER BY 1")
        ).scalars()

        assert list(kept) == [date(2026, 11, 16), date(2026, 11, 17)]


def test_partitions_are_kept_while_the_registry_runs(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "UPKEEP_SECONDS", 0.1)
    tomorrow = f"ai_metrics_{datetime.now(UTC).date() + timedelta(days=1):%Y%m%d}"
    with running_registry(database_url, tmp_path) as registry:
        registry.execute(f"DROP TABLE {tomorrow}")

        eventually(lambda: registry.rows(f"SELECT to_regclass('{tomorrow}')")[0][0] is not None)


def test_a_day_is_outlived_when_all_of_it_is_older_than_the_retention() -> None:
    today = date(2026, 11, 23)
    days = [today - timedelta(days=age) for age in range(10)]

    assert outlived_days(days, today, 7) == [date(2026, 11, 14), date(2026, 11, 15)]
