"""The registry's database, as a command on this machine reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from psycopg.errors import OperationalError
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from pulseguard_registry.database.connecting import CONNECT_SECONDS
from pulseguard_registry.database.diagnosis import diagnose, place_of
from pulseguard_registry.database.engine import with_driver
from pulseguard_registry.embedded import (
    DATA_FOLDER,
    EmbeddedPostgres,
    check_folder,
    owner_of,
    running_url,
)
from pulseguard_registry.operating.reach import CommandRefused
from pulseguard_registry.settings import Settings

_LOCK_MILLISECONDS: Final = 10_000


@contextmanager
def database_of(
    settings: Settings, *, alone: bool = False, may_be_new: bool = False
) -> Iterator[str]:
    """The URL of the database that these settings name; an embedded one is started if need be.

    With `alone` CommandRefused where a registry runs on the embedded one; without `may_be_new`
    where there is none yet.
    """
    url = settings.resolved_database_url()
    if url is not None:
        place_of(url)
        yield url
        return
    folder = settings.data_dir / DATA_FOLDER
    if not may_be_new and not folder.exists():
        raise CommandRefused(
            f"there is no database in PULSEGUARD_DATA_DIR={settings.data_dir}; name the data folder"
            " of the registry, or its DATABASE_URL"
        )
    check_folder(folder)
    owner = owner_of(settings.data_dir)
    if owner is None:
        with _started(settings) as url:
            yield url
    elif alone:
        raise CommandRefused(
            f"a registry runs on PULSEGUARD_DATA_DIR={settings.data_dir} ({owner}); stop it first"
        )
    else:
        yield running_url(settings.data_dir)


@contextmanager
def engine_of(url: str) -> Iterator[Engine]:
    """SQLAlchemy's way to that database, for one command; a failure is one sentence."""
    options = f"-c lock_timeout={_LOCK_MILLISECONDS}"
    engine = create_engine(
        with_driver(url),
        poolclass=NullPool,
        connect_args={"connect_timeout": CONNECT_SECONDS, "options": options},
    )
    try:
        yield engine
    except (DBAPIError, OperationalError, OSError) as error:
        raise diagnose(place_of(url), error) from None
    finally:
        engine.dispose()


@contextmanager
def _started(settings: Settings) -> Iterator[str]:
    settings.data_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
    server = EmbeddedPostgres(settings.data_dir)
    try:
        yield server.start()
    finally:
        server.stop()
