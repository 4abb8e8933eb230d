"""Transactions of a request that goes on without one: to wait, or to ask somebody else.

Meanwhile it takes neither a connection nor a thread of the pool that serves everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from typing import TypeVar

from fastapi import Request, Response
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from pulseguard_registry.database.engine import Database, at_one_moment, session_of
from pulseguard_registry.database.overdue import DUE

Result = TypeVar("Result")


async def committed(
    request: Request, response: Response, work: Callable[[Session], Result]
) -> Result:
    """Do this work in the request's transaction, with its audit record, and commit it now."""

    def run() -> Result:
        with contextmanager(session_of)(request, response) as session:
            return work(session)

    return await run_in_threadpool(run)


async def read_only(request: Request, work: Callable[[Session], Result]) -> Result:
    """Do this work, which changes nothing, in a transaction of its own, all of it at one moment."""

    def run() -> Result:
        database: Database = request.app.state.database
        with database.sessions() as session:
            session.info[DUE] = request.scope[DUE]
            return work(at_one_moment(session))

    return await run_in_threadpool(run)
