"""What a registry holds of its database is closed, also what was in use while all was let go."""

import gc

import pytest
from sqlalchemy import text

from pulseguard_registry.database.engine import Database


@pytest.mark.filterwarnings("error")
def test_a_connection_that_comes_back_to_a_pool_of_before_is_closed(database_url: str) -> None:
    database = Database(database_url)
    with database.sessions() as in_use:
        in_use.execute(text("SELECT 1"))
        raw = in_use.connection().connection.dbapi_connection
        database.engine.dispose()
    assert raw is not None
    assert raw.closed

    with database.sessions() as kept:
        kept.execute(text("SELECT 1"))
        raw = kept.connection().connection.dbapi_connection
    assert raw is not None
    assert not raw.closed
    database.engine.dispose()
    gc.collect()
