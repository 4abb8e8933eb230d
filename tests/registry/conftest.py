"""A real PostgreSQL for the run, a database and a registry for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, create_engine

from pulseguard_registry import upkeep
from pulseguard_registry.access import given_keys
from pulseguard_registry.access.tokens import without_keys
from pulseguard_registry.database.diagnosis import place_of
from pulseguard_registry.database.engine import with_driver
from pulseguard_registry.database.migrate import upgrade
from pulseguard_registry.embedded import EmbeddedPostgres
from pulseguard_registry.snapshots.partitions import database_today, keep_partitions
from tests.registry.given import Given
from tests.registry.running import RunningRegistry, running_registry
from tests.server_folder import server_folder

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL 18 of this test run, with two databases to copy.

    `template` is migrated; `used` is as a registry of today has left it, with partitions as well.
    """
    with server_folder() as folder:
        server = EmbeddedPostgres(folder)
        url = server.start()
        try:
            prepare(url)
            yield url
        finally:
            server.stop()


def prepare(url: str) -> None:
    """Make the databases that are copied, in a server that does not wait for its disk."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE template")
        # No test here cuts the power, and each makes a database of its own.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
        migrate(with_database(url, "template"))
        connection.execute("CREATE DATABASE used TEMPLATE template")
    make_partitions(with_database(url, "used"))


@pytest.fixture
def database_url(postgres: str) -> Iterator[str]:
    """The URL of a migrated database of this test's own, in which no registry has been yet."""
    with new_database(postgres) as url:
        yield url


@pytest.fixture(scope="module")
def shared_registry(
    postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningRegistry]:
    """One registry for all tests of a module: for those that must not change anything."""
    secrets = tmp_path_factory.mktemp("s")
    with (
        new_database(postgres, "used") as url,
        # Wrong keys of all these tests come from one address within seconds: none is to be slowed.
        running_registry(url, secrets, refused_rate_limit_per_second=10_000) as one,
    ):
        yield one


@pytest.fixture(scope="module")
def watchful_registry(
    postgres: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningRegistry]:
    """One registry for all tests of a module, which looks often at who has fallen silent."""
    with pytest.MonkeyPatch.context() as patched, new_database(postgres, "used") as url:
        patched.setattr(upkeep, "STATUS_SECONDS", 0.1)
        with running_registry(url, tmp_path_factory.mktemp("s")) as one:
            yield one


@pytest.fixture
def registry(postgres: str, tmp_path: Path) -> Iterator[RunningRegistry]:
    """A registry that runs in this process, on its own database."""
    with new_database(postgres, "used") as url, running_registry(url, tmp_path) as running:
        yield running


@pytest.fixture
def given(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Iterator[Given]:
    """Files that give keys and are looked at often; of none of these keys may the log tell."""
    caplog.set_level("INFO")
    monkeypatch.setattr(given_keys, "LOOK_SECONDS", 0.05)
    yield Given(database_url, tmp_path)
    said = [record.getMessage() for record in caplog.get_records("call")]
    assert [line for line in said if without_keys(line) != line] == []


@contextmanager
def new_database(postgres: str, template: str = "template") -> Iterator[str]:
    """A new database, dropped at the end; from `template0` it has no tables."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        yield with_database(postgres, name)
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return url.replace("/postgres?", f"/{name}?")


def migrate(url: str) -> None:
    """Bring a database up to the newest schema."""
    with engine_of(url) as engine:
        upgrade(engine, place_of(url))


def make_partitions(url: str) -> None:
    """What the first start of a registry does to a database, and the next of that day need not."""
    with engine_of(url) as engine:
        keep_partitions(engine, database_today(engine), retention_days=30)


@contextmanager
def engine_of(url: str) -> Iterator[Engine]:
    """An engine on a database, disposed of in the end: a database in use is no template."""
    engine = create_engine(with_driver(url))
    try:
        yield engine
    finally:
        engine.dispose()
