"""A dump goes into a database whole or not at all, and into an older server too."""

from pathlib import Path

import psycopg
import pytest

from pulseguard_registry.operating import programs
from pulseguard_registry.operating.programs import dump_database, restore_database
from pulseguard_registry.operating.reach import CommandRefused
from tests.registry.conftest import new_database
from tests.registry.running import RunningRegistry

TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"


@pytest.fixture
def dump(registry: RunningRegistry, tmp_path: Path) -> Path:
    """A database with agents, dumped."""
    for number in range(3):
        registry.register(f"bot-{number}")
    target = tmp_path / "dump"
    dump_database(target, registry.database_url)
    return target


def tables(url: str) -> int:
    with psycopg.connect(url) as connection:
        (found,) = connection.execute(TABLES).fetchone() or (0,)
    return int(found)


def test_a_dump_that_ends_too_early_leaves_nothing(dump: Path, postgres: str) -> None:
    whole = dump.read_bytes()
    # Its list of what is in it stands first: what is missing is missed at the data.
    dump.write_bytes(whole[: len(whole) * 99 // 100])

    with new_database(postgres, "template0") as url:
        with pytest.raises(CommandRefused, match=r"pg_restore has failed: .+"):
            restore_database(dump, url)
        assert tables(url) == 0


def test_a_database_that_refuses_a_part_gets_none_of_it(dump: Path, postgres: str) -> None:
    with new_database(postgres, "template0") as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE api_keys ()")
        with pytest.raises(CommandRefused, match=r'psql has failed: .*"api_keys" already exists'):
            restore_database(dump, url)
        assert tables(url) == 1


def test_a_server_before_17_is_sent_no_setting_that_it_does_not_know(
    dump: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = tmp_path / "sent.sql"
    psql = tmp_path / "psql"
    psql.write_text(f"#!/bin/sh\ncat > '{sent}'\n")
    psql.chmod(0o755)
    find = programs._find
    monkeypatch.setattr(programs, "_find", lambda name: str(psql) if name == "psql" else find(name))

    restore_database(dump, "postgresql:///nowhere")

    script = sent.read_text()
    assert "transaction_timeout" not in script
    assert "COPY public.agents " in script
    assert "bot-2" in script
