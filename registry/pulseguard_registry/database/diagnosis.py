"""Turns a failure to use PostgreSQL into one sentence: where, why, and the mend."""

from __future__ import annotations

import re
from dataclasses import dataclass

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import LockNotAvailable
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from pulseguard_registry.errors import ConfigurationError, DatabaseUnavailable, SchemaTooNew


@dataclass(frozen=True)
class Place:
    """Where the database is, without its password."""

    host: str
    port: str
    database: str
    user: str

    def __str__(self) -> str:
        return f"database {self.database!r} on {self.host}:{self.port}"


_WRONG_URL = (
    "DATABASE_URL is no URL of one PostgreSQL server; write"
    " postgresql://user:password@host:5432/database, with @ : / in the password percent-encoded"
)


def place_of(url: str) -> Place:
    """Read the place from a PostgreSQL URL; ConfigurationError where it is none.

    A password that was not percent-encoded would end up in host or database, and so in the log.
    """
    try:
        parts = conninfo_to_dict(url)
        make_url(url)
    except (psycopg.ProgrammingError, ArgumentError, ValueError):
        raise ConfigurationError(_WRONG_URL) from None
    user = str(parts.get("user") or "postgres")
    place = Place(
        host=str(parts.get("host") or parts.get("hostaddr") or "localhost"),
        port=str(parts.get("port") or 5432),
        database=str(parts.get("dbname") or user),
        user=user,
    )
    is_a_url = url.startswith(("postgresql://", "postgres://"))
    if not is_a_url or not place.port.isdigit() or re.search("[@,]", place.host + place.database):
        raise ConfigurationError(_WRONG_URL)
    return place


def diagnose(place: Place, error: BaseException) -> DatabaseUnavailable:
    """The failure as a DatabaseUnavailable whose message is the sentence to show."""
    if isinstance(error, DatabaseUnavailable):
        return error
    original = getattr(error, "orig", None) or error  # SQLAlchemy wraps the driver's error
    cause, mend = _cause_and_mend(place, original)
    return DatabaseUnavailable(f"cannot use {place}: {cause}; {mend}")


def silent(place: Place, seconds: float) -> DatabaseUnavailable:
    """The database took the connection, or a statement, and said nothing for so long."""
    return DatabaseUnavailable(
        f"cannot use {place}: no answer within {seconds:g} s;"
        " check that the server runs and that no firewall swallows the connection"
    )


def too_new(place: Place, revision: str) -> SchemaTooNew:
    """The schema was migrated by a newer registry."""
    return SchemaTooNew(
        f"cannot use {place}: its schema revision {revision!r} is newer than this registry;"
        " install the pulseguard-monitor that made it, or restore a backup"
    )


def _cause_and_mend(place: Place, error: BaseException) -> tuple[str, str]:
    if isinstance(error, LockNotAvailable):
        return (
            "another registry is changing its schema, or somebody holds that lock",
            "wait; the registry goes on trying (pg_locks shows who)",
        )
    text = " ".join(str(error).split())
    lowered = text.lower()
    if "password authentication failed" in lowered or "no password supplied" in lowered:
        return (
            f"the password of user {place.user!r} was refused",
            "put the right one into DATABASE_URL",
        )
    if "does not exist" in lowered and "database" in lowered:
        return "this database does not exist", f"create it: createdb {place.database}"
    if "does not exist" in lowered and "role" in lowered:
        return f"there is no user {place.user!r}", f"create it: createuser {place.user}"
    if "refused" in lowered or "no such file" in lowered:
        return "nothing listens there", "start PostgreSQL, or correct DATABASE_URL"
    if "timeout" in lowered or "timed out" in lowered or isinstance(error, TimeoutError):
        return "no answer in time", "check that the server runs and that no firewall swallows it"
    if "resolve" in lowered or "name or service" in lowered:
        return "the host name is unknown", "correct the host in DATABASE_URL"
    if "starting up" in lowered or "shutting down" in lowered or "recovery" in lowered:
        return "PostgreSQL is starting or stopping", "wait; the registry goes on trying"
    return _without_secrets(text), "see PostgreSQL's log"


def _without_secrets(text: str) -> str:
    """PostgreSQL never repeats a password, but a malformed URL in a message might hold one."""
    return text.split("postgresql://")[0][:300] or "the connection was lost"
