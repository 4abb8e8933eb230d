"""Turns a failure to use PostgreSQL into one sentence: where, why, and the mend."""

from __future__ import annotations

import re
from collections.abc import Mapping
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


_NO_CONNECTION_LEFT = (
    "it takes no more connections",
    "raise its max_connections, or end other clients of it",
)
_STARTING_OR_STOPPING = ("PostgreSQL is starting or stopping", "wait; the registry goes on trying")
_FAILED_ITSELF = ("PostgreSQL itself has failed", "see PostgreSQL's log")
READ_ONLY = "25006"
# By SQLSTATE: what one statement can tell about the whole database.
_STATES: Mapping[str, tuple[str, str]] = {
    READ_ONLY: (
        "it is read-only, as a standby is",
        "make it writable, or put the primary into DATABASE_URL",
    ),
    "25P03": (
        "this registry stood still in a transaction, which PostgreSQL has ended for that",
        "try again; give the registry's machine more time where that comes often",
    ),
    "25P04": (
        "it ends transactions before they are done",
        "raise its transaction_timeout",
    ),
    "3D000": ("the database does not exist any more", "create it, or restore a backup"),
    "42501": ("its user lacks a right", "make the user of DATABASE_URL the owner of its tables"),
    "53100": ("its disk is full", "make room there"),
    "53200": ("PostgreSQL is out of memory", "give it more, or lower its settings"),
    "53300": _NO_CONNECTION_LEFT,
    "57P01": _STARTING_OR_STOPPING,
    "57P02": _STARTING_OR_STOPPING,
    "57P03": _STARTING_OR_STOPPING,
    "58030": ("its disk fails", "see PostgreSQL's log"),
    "XX000": _FAILED_ITSELF,
    "XX001": _FAILED_ITSELF,
    "XX002": _FAILED_ITSELF,
}


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


def check_encoding(place: Place, encoding: str | None) -> None:
    """DatabaseUnavailable unless the database holds any text that an agent may send."""
    if encoding != "UTF8":
        raise DatabaseUnavailable(
            f"cannot use {place}: its encoding is {encoding}, and has to be UTF8; create it anew:"
            f" createdb -T template0 -E UTF8 -l C.UTF-8 {place.database}"
        )


def diagnose(place: Place, error: BaseException) -> DatabaseUnavailable:
    """The failure as a DatabaseUnavailable whose message is the sentence to show."""
    if isinstance(error, DatabaseUnavailable):
        return error
    cause, mend = _state(error) or _cause_and_mend(place, own_words(error))
    return DatabaseUnavailable(f"cannot use {place}: {cause}; {mend}")


def tells_of_database(error: BaseException) -> bool:
    """Whether one statement failed for a state of the whole database that has a sentence here."""
    return _state(error) is not None


def own_words(error: BaseException) -> BaseException:
    """The driver's own error where there is one: SQLAlchemy adds the whole statement to it."""
    return getattr(error, "orig", None) or error


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


def _state(error: BaseException) -> tuple[str, str] | None:
    # A connection that is refused has none: libpq tells only the text.
    return _STATES.get(getattr(own_words(error), "sqlstate", None) or "")


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
        return _STARTING_OR_STOPPING
    if "too many clients" in lowered or "connection slots" in lowered:
        return _NO_CONNECTION_LEFT
    return _without_secrets(text), "see PostgreSQL's log"


def _without_secrets(text: str) -> str:
    """PostgreSQL never repeats a password, but a malformed URL in a message might hold one."""
    return text.split("postgresql://")[0][:300] or "the connection was lost"
