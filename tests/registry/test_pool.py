"""What a registry holds of its database is closed, also what was in use while all was let go."""

import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, text

from pulseguard_registry.database.engine import Database


def used(database: Database, meanwhile: Callable[[], None] = lambda: None) -> Any:
    """The connection that a session used; `meanwhile` was called before the session's end."""
    with database.sessions() as session:
        session.execute(text("SELECT 1"))
        raw = session.connection().connection.dbapi_connection
        meanwhile()
    return raw


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


def test_a_connection_that_comes_back_to_a_pool_of_before_is_closed(database: Database) -> None:
    assert used(database, database.engine.dispose).closed

    kept = used(database)
    assert not kept.closed
    database.close()
    assert kept.closed


def test_a_connection_that_was_being_made_while_all_were_let_go_is_closed_after_its_use(
    database: Database,
) -> None:
    made, go_on = threading.Event(), threading.Event()
    raws: list[Any] = []

    @event.listens_for(database.engine, "connect")
    def wait(*_: object) -> None:
        made.set()
        go_on.wait(10)

    user = threading.Thread(target=lambda: raws.append(used(database)))
    user.start()
    made.wait(10)
    database.break_off()
    go_on.set()
    user.join()

    assert raws[0].closed
    database.close()


def test_a_registry_that_has_ended_keeps_no_connection_that_a_late_request_made(
    database: Database,
) -> None:
    database.break_off()
    database.close()

    late: psycopg.Connection[Any] = used(database)

    assert late.closed
