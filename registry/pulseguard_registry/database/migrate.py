"""Brings the schema up to date: Alembic migrations, one registry at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from pulseguard_registry.database.diagnosis import Place, too_new

MIGRATIONS = Path(__file__).parent.parent / "migrations"
# "pulse" as a number: the advisory lock under which the schema changes.
LOCK = 0x70756C7365


@dataclass(frozen=True)
class Revision:
    """A step of the schema: what it is about, and what is lost where it is undone, if anything."""

    name: str
    title: str
    lost: str


def upgrade(engine: Engine, place: Place) -> None:
    """Migrate up, all in one transaction; SchemaTooNew where the database is ahead of us."""
    with engine.begin() as connection:
        take_lock(connection)
        config = _config(connection)
        current = current_revision(connection)
        if current is not None and current not in known_revisions():
            raise too_new(place, current)
        if current != head_revision():
            command.upgrade(config, "head")


def downgrade(engine: Engine, revision: str) -> None:
    """Migrate down to a revision, or to `base`, all in one transaction."""
    with engine.begin() as connection:
        take_lock(connection)
        command.downgrade(_config(connection), revision)


def take_lock(connection: Connection | Session) -> None:
    """One registry at a time, until the end of the transaction, which may then take its time.

    Waiting for the lock itself ends with the connection's lock_timeout.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    connection.execute(text("SET LOCAL statement_timeout = 0"))


def current_revision(connection: Connection) -> str | None:
    """The schema's revision; None for a database without our tables."""
    return MigrationContext.configure(connection).get_current_revision()


@cache
def head_revision() -> str:
    """The newest revision that this registry knows."""
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    assert head is not None
    return head


def known_revisions() -> frozenset[str]:
    """Every revision that this version of the registry knows."""
    return frozenset(each.name for each in revisions())


@cache
def revisions() -> Sequence[Revision]:
    """The same, the newest first."""
    return [
        Revision(script.revision, " ".join(script.doc.split()), script.module.lost)
        for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    ]


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
