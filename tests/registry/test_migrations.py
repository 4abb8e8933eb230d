"""Migrations of a furnished database: step by step, after a kill, and beside a registry's work."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import Engine, inspect

from pulseguard_registry.database import migrate
from pulseguard_registry.database.diagnosis import place_of
from pulseguard_registry.database.migrate import (
    MIGRATIONS,
    downgrade,
    head_revision,
    revisions,
    upgrade,
)
from tests.registry.conftest import engine_of, new_database
from tests.registry.crowd import UNLIMITED, Crowd
from tests.registry.fleet import furnish
from tests.registry.ledger import stored
from tests.registry.process import RegistryProcess, registry_process
from tests.registry.running import PEPPER, eventually, registration, running_registry

AGENTS = "/api/v1/agents"
# Any: the values of a row, as JSON has them.
Row = dict[str, Any]
TABLES = """
SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
   AND relnamespace = 'public'::regnamespace AND relname NOT IN ('alembic_version', 'versions')
"""
# It counts writes, those of a migration too.
COUNTER = "changed_in"
# By name or kind: the rows that a revision takes with it where it is undone.
LOST = {"0007": {"enrolment", "bot-4 (web-1-0)", "two_processes_began"}, "0013": {"just-left"}}
WAITS = "SELECT 1 FROM pg_locks WHERE relation = 'api_keys'::regclass AND NOT granted"
# As a newer version would bring it: it changes what each write needs, and takes its time.
NEXT = '''
"""What the next version adds."""

from alembic import op

revision = "{}"
down_revision = "{}"
lost = ""


def upgrade() -> None:
    for table in ("api_keys", "ai_metrics", "agents", "agent_events", "alerts"):
        op.execute(f"ALTER TABLE {{table}} ADD COLUMN added text NOT NULL DEFAULT ''")
    op.execute("UPDATE agents SET added = name")
    op.execute("SELECT pg_sleep(0.5)")
'''


@pytest.fixture(scope="module")
def furnished(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with something of everything, to copy."""
    with new_database(postgres, "used") as url:
        with running_registry(url, tmp_path_factory.mktemp("s")) as registry:
            furnish(registry)
            registry.execute(
                "INSERT INTO agent_events (agent_id, kind) SELECT id, 'two_processes_began'"
                " FROM agents WHERE name = 'bot-1'"
            )
            registry.execute(
                "INSERT INTO served_targets VALUES (gen_random_uuid(), now(), '10.0.0.1:9464',"
                " 'just-left', '0', 'CUSTOM', 'test', '', '{}')"
            )
        yield str(conninfo_to_dict(url)["dbname"])


@pytest.fixture
def url(postgres: str, furnished: str) -> Iterator[str]:
    """The URL of a copy of it."""
    with new_database(postgres, furnished) as one:
        yield one


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """An engine on that copy."""
    with engine_of(url) as made:
        yield made


def tables(database_url: str) -> set[str]:
    """Those that are there."""
    with psycopg.connect(database_url) as connection:
        return {name for (name,) in connection.execute(TABLES)}


def contents(database_url: str) -> dict[str, list[Row]]:
    """The rows of each table."""
    query = sql.SQL("SELECT to_jsonb(t) - {} FROM {} t")
    with psycopg.connect(database_url) as connection:
        return {
            name: [
                row for (row,) in connection.execute(query.format(COUNTER, sql.Identifier(name)))
            ]
            for name in tables(database_url)
        }


def missing(before: dict[str, list[Row]], after: dict[str, list[Row]]) -> list[Row]:
    """The rows of tables that are there still which are not, by the columns that are."""
    gone = []
    for name in before.keys() & after.keys():
        columns = {column for row in after[name][:1] for column in row}
        there = [known(row, columns & row.keys()) for row in before[name]]
        common = {column for row in there[:1] for column in row}
        kept = [known(row, common) for row in after[name]]
        gone += [row for row in there if row not in kept]
    return gone


def known(row: Row, columns: set[str]) -> Row:
    """These columns of a row."""
    return {column: row[column] for column in columns}


def step_up(engine: Engine) -> None:
    """Migrate up by one revision."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "+1")


def test_each_step_down_and_up_keeps_what_both_of_its_sides_know(url: str, engine: Engine) -> None:
    names = tables(url)
    for revision, below in pairwise(revisions()):
        whole = contents(url)
        downgrade(engine, below.name)
        kept = contents(url)
        gone = {row.get("name", row.get("kind")) for row in missing(whole, kept)}
        assert gone == LOST.get(revision.name, set()), revision
        step_up(engine)
        again = contents(url)
        assert missing(kept, again) == [], revision
        if not revision.lost:
            assert (missing(whole, again), missing(again, whole)) == ([], []), revision
        downgrade(engine, below.name)
    assert all(kept[name] for name in ("agents", "ai_metrics", "api_keys"))
    upgrade(engine, place_of(url))

    assert missing(kept, contents(url)) == []
    downgrade(engine, "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]
    upgrade(engine, place_of(url))
    assert tables(url) == names


def test_an_upgrade_that_is_killed_in_the_middle_leaves_nothing_and_is_taken_up_again(
    url: str, engine: Engine, tmp_path: Path
) -> None:
    downgrade(engine, "0003")
    before = contents(url)
    with psycopg.connect(url) as connection:
        # Which 0004 wants to change after it has made a table.
        connection.execute("LOCK TABLE api_keys IN ACCESS SHARE MODE")
        killed = RegistryProcess(tmp_path, url, pepper=PEPPER)
        try:
            eventually(lambda: connection.execute(WAITS).fetchone())
        finally:
            killed.process.kill()
            killed.process.wait()
        left = tables(url)
    with registry_process(tmp_path, url, pepper=PEPPER) as registry:
        eventually(registry.is_ready)
        with engine.connect() as connection:
            assert migrate.current_revision(connection) == head_revision()

    assert left == before.keys()
    assert missing(before, contents(url)) == []


@pytest.fixture
def newer_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Registries of this process know a revision more than all others; its name."""
    head = head_revision()
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    (folder / "versions" / "next.py").write_text(NEXT.format("next", head))
    monkeypatch.setattr(migrate, "MIGRATIONS", folder)
    for kept in (head_revision, revisions):
        kept.cache_clear()
    yield "next"
    monkeypatch.undo()
    for kept in (head_revision, revisions):
        kept.cache_clear()


def crowd(serving: RegistryProcess) -> Crowd:
    """Clients that write whatever there is to write."""
    clients = Crowd([serving.url], serving.admin_key())
    answer = serving.post(AGENTS, registration(), serving.admin_key())
    agent_id = uuid.UUID(answer.body["id"])
    clients.beat(agent_id)
    clients.configure(agent_id)
    clients.register()
    clients.retire_and_restore()
    clients.make_and_revoke_keys()
    clients.tell_alerts()
    return clients


def test_a_newer_version_that_upgrades_holds_up_nobody_for_long_and_loses_nothing(
    postgres: str, tmp_path: Path, newer_version: str
) -> None:
    with (
        new_database(postgres, "used") as url,
        registry_process(tmp_path, url, pepper=PEPPER, rate_limit_per_second=UNLIMITED) as serving,
    ):
        eventually(serving.is_ready)
        with crowd(serving) as clients:
            clients.wait_for_writes()
            secrets = serving.data_dir / "secrets"
            with running_registry(url, secrets) as newer:
                revision = newer.rows("SELECT version_num FROM alembic_version")
                # Stored, or told that the schema is of a newer version by now: one that has lost
                # its database in between says so from then on.
                answered = len(clients.calls)
                eventually(lambda: len(clients.calls) > answered + 50)
                assert newer.get(AGENTS).status_code == 200

        assert revision == [(newer_version,)]
        assert clients.acknowledged - stored(url) == set()
    assert {call.status for call in clients.calls} <= {200, 201, 503}
    assert max(call.seconds for call in clients.calls) < 5
