"""The schema: migrated up and down on data, and kept in PostgreSQL rather than in our heads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, inspect, text

from pulseguard_registry.access.models import ApiKey
from pulseguard_registry.agents.models import Agent
from pulseguard_registry.database.diagnosis import place_of
from pulseguard_registry.database.migrate import downgrade, upgrade
from pulseguard_registry.snapshots.partitions import keep_partitions, outlived_days
from pulseguard_registry.snapshots.table import COLUMNS
from tests.registry.running import RunningRegistry, registration, running_registry, snapshot


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on this test's database."""
    made = create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))
    yield made
    made.dispose()


def test_migrations_go_down_and_up_again_on_data(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    with running_registry(database_url, tmp_path) as registry:
        agent_id = registry.register()["id"]
        registry.post(f"/api/v1/agents/{agent_id}/heartbeat", {"snapshot": snapshot()})

    downgrade(engine, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    upgrade(engine, place_of(database_url))

    (tmp_path / "admin.key").unlink()
    with running_registry(database_url, tmp_path) as registry:
        assert registry.register()["id"] == agent_id


def test_the_mapped_tables_are_those_of_the_database(engine: Engine) -> None:
    for model in (Agent, ApiKey):
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
    with engine.begin() as connection:
        for offset in range(12):
            keep_partitions(connection, today + timedelta(days=offset), retention_days=7)
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


def test_a_snapshot_from_the_future_moves_into_its_partition_when_that_day_comes(
    engine: Engine,
) -> None:
    today = date(2026, 11, 23)
    future = datetime(2026, 12, 5, 8, tzinfo=UTC)
    values = "tokens_processed, api_calls_made, model_calls, tasks_completed, tasks_failed,"
    kinds = "tokens_input, tokens_cache_read, tokens_cache_write, tokens_output, tokens_reasoning"
    with engine.begin() as connection:
        keep_partitions(connection, today, retention_days=7)
        connection.execute(
            text(
                f"INSERT INTO ai_metrics (agent_id, taken_at, interval_seconds, {values} {kinds})"
                " VALUES (gen_random_uuid(), :taken_at, 60, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)"
            ),
            {"taken_at": future},
        )
        keep_partitions(connection, date(2026, 12, 4), retention_days=7)
        home = connection.execute(text("SELECT tableoid::regclass::text FROM ai_metrics")).scalar()

    assert home == "ai_metrics_20261205"


def test_a_day_is_outlived_when_all_of_it_is_older_than_the_retention() -> None:
    today = date(2026, 11, 23)
    days = [today - timedelta(days=age) for age in range(10)]

    assert outlived_days(days, today, 7) == [date(2026, 11, 14), date(2026, 11, 15)]
