"""SQLAlchemy for the routes that read and change the inventory: one transaction a request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from psycopg import Connection
from pydantic_core import from_json
from sqlalchemy import Connection as Checkout
from sqlalchemy import Engine, ExceptionContext, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from pulseguard_registry.database.connecting import CONNECT_SECONDS, terms
from pulseguard_registry.database.deadline import shut_down
from pulseguard_registry.database.diagnosis import READ_ONLY
from pulseguard_registry.database.overdue import DUE, Overdue
from pulseguard_registry.database.pool import ClosingPool

# Waiting for a connection and then for a statement, or in it for a lock, stays below the five
# seconds after which a caller is owed an answer. Whoever waits for a connection gives up before
# those do who hold them and wait for a lock: it would only wait for the same.
POOL_SECONDS = 1.5
STATEMENT_MILLISECONDS = 3000
LOCK_MILLISECONDS = 2000
IDLE_MILLISECONDS = 10_000


class Base(DeclarativeBase):
    """Base of all mapped tables."""


class Database:
    """The engine, its sessions, and a way to end every statement in progress."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine: Engine = create_engine(
            with_driver(url),
            poolclass=ClosingPool,
            pool_size=10,
            max_overflow=10,
            pool_timeout=POOL_SECONDS,
            # As bodies are read: what is taken is answered. Five times as fast as json.loads.
            json_deserializer=from_json,
            hide_parameters=True,  # they would stand in the log: descriptions, configurations
            connect_args={"connect_timeout": CONNECT_SECONDS, "application_name": "pulseguard"},
        )
        self.sessions = sessionmaker(self.engine)
        event.listen(self.engine, "connect", _agree_on_terms)
        event.listen(self.engine, "handle_error", _leave_read_only_server)
        self._in_use: set[Connection[Any]] = set()
        event.listen(self.engine, "checkout", lambda raw, *_: self._in_use.add(raw))
        self.overdue = Overdue()
        event.listen(self.sessions, "after_begin", self._expect)
        for end in ("checkin", "invalidate"):
            event.listen(self.engine, end, self._release)

    def break_off(self) -> None:
        """End every statement that waits for a database which no longer answers."""
        self._shut_down_those_in_use()
        self.engine.dispose()

    def close(self) -> None:
        """End every statement, and keep no connection open from now on."""
        self._shut_down_those_in_use()
        self.engine.pool.dispose()

    def _shut_down_those_in_use(self) -> None:
        for connection in list(self._in_use):
            shut_down(connection)

    def _expect(self, session: Session, _: object, checkout: Checkout) -> None:
        if DUE in session.info:
            raw: Any = checkout.connection.dbapi_connection
            self.overdue.expect(raw, session.info[DUE])

    def _release(self, raw: Connection[Any] | None, *_: object) -> None:
        if raw is not None:  # one that was invalidated is returned without it
            self._in_use.discard(raw)
            self.overdue.release(raw)


def session_of(request: Request, response: Response) -> Iterator[Session]:
    """One session, one transaction, committed before the response leaves, with its audit record.

    Broken off, as a database that does not answer, where the request would be answered too late.
    """
    database: Database = request.app.state.database
    with database.sessions.begin() as session:
        session.info[DUE] = request.scope[DUE]
        yield session
        request.app.state.record_change(session, request, response)


# Without scope="function" the commit would run after the response: a failing one would answer 201.
DatabaseSession = Annotated[Session, Depends(session_of, scope="function")]


def at_one_moment(session: Session) -> Session:
    """The same session, which has done nothing yet: all that it reads is as it was at the moment of
    its first statement, and not each statement at its own."""
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    return session


def _reading_of(session: DatabaseSession) -> Session:
    return at_one_moment(session)


# For what is put together of several statements, and changes nothing.
ReadingSession = Annotated[Session, Depends(_reading_of, scope="function")]


def _leave_read_only_server(context: ExceptionContext) -> None:
    """Use none of these connections again: whoever is the primary now is reached by new ones."""
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True


def _agree_on_terms(connection: Connection[Any], _: object) -> None:
    connection.execute(terms(LOCK_MILLISECONDS, IDLE_MILLISECONDS))
    connection.execute(f"SET statement_timeout = {STATEMENT_MILLISECONDS}")
    connection.commit()


def with_driver(url: str) -> str:
    """The URL with psycopg named as its driver."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg{separator}{rest}" if scheme.startswith("postgres") else url
