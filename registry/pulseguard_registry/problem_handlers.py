"""Makes every error of the application a problem document."""

from __future__ import annotations

import logging

import psycopg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from pulseguard_registry.database.conflicts import Conflict, conflict_of, constraint_of
from pulseguard_registry.database.diagnosis import Place, diagnose, own_words, tells_of_database
from pulseguard_registry.errors import DatabaseUnavailable, RegistryError, WriteRefused
from pulseguard_registry.faults import validation_problem
from pulseguard_registry.methods import allowed_methods
from pulseguard_registry.problems import Fault, Problem, problem_response, shown, unavailable

log = logging.getLogger("pulseguard.registry")

_LOST = "the database did not answer this request in time; try again"
# What the router says by itself is only the name of the status.
_ROUTING = {
    404: "there is no such path; /docs lists those that there are",
    405: "this method is not offered on this path; use one of {allowed}",
}


def install_problem_handlers(app: FastAPI, place: Place) -> None:
    """Make every error of the application a problem document; `place` is that of its database.

    All are coroutines: a plain function would wait for a thread, of which those who wait for the
    database may have taken all.
    """

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if not isinstance(error, Problem) and error.status_code in _ROUTING:
            error = _routing_problem(app, request, error.status_code)
        return problem_response(error, request.scope)

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError | ValidationError)
        return await on_http(request, validation_problem(error.errors()))

    async def on_database(request: Request, error: Exception) -> Response:
        is_told = isinstance(error, DatabaseUnavailable) or tells_of_database(error)
        sentence = str(diagnose(place, error)) if is_told else _LOST
        return await on_http(request, unavailable(sentence))

    async def on_statement(request: Request, error: Exception) -> Response:
        if tells_of_database(error):
            return await on_database(request, error)
        raise error  # a defect of ours, for the gate

    async def on_conflict(request: Request, error: Exception) -> Response:
        met = own_words(error)
        assert isinstance(met, psycopg.IntegrityError)
        conflict = conflict_of(met)
        if conflict is None:
            raise _defect(met, error)
        # One that comes again and again is a defect of ours, not a race.
        log.warning("a change was refused by the constraint %s", constraint_of(met))
        return await on_http(request, _problem_of(conflict))

    async def on_unstorable(request: Request, error: Exception) -> Response:
        sentence = "a value of this request cannot be kept by PostgreSQL"
        return await on_http(request, Problem(422, sentence))

    async def on_refused(request: Request, error: Exception) -> Response:
        return await on_http(request, Problem(422, str(error)))

    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    for kind in (DatabaseUnavailable, OperationalError, InterfaceError, PoolTimeout):
        app.add_exception_handler(kind, on_database)
    app.add_exception_handler(DBAPIError, on_statement)
    app.add_exception_handler(WriteRefused, on_refused)
    app.add_exception_handler(IntegrityError, on_conflict)
    app.add_exception_handler(DataError, on_unstorable)


def _routing_problem(app: FastAPI, request: Request, status: int) -> Problem:
    """What the router has to say, in words of ours."""
    sentence = _ROUTING[status]
    if status == 404:
        return Problem(status, sentence)
    allowed = allowed_methods(app.routes, request.scope["path"])
    return Problem(status, sentence.format(allowed=allowed), headers={"Allow": allowed})


def _defect(met: psycopg.IntegrityError, error: Exception) -> RegistryError:
    """For the gate, which logs it: PostgreSQL's own words are the whole row, secrets included."""
    defect = RegistryError(f"a row of ours does not hold: {constraint_of(met)}")
    defect.__suppress_context__ = True
    return defect.with_traceback(error.__traceback__)


def _problem_of(met: Conflict) -> Problem:
    """A 409 about what a constraint of the schema has refused."""
    value = None if met.value is None else shown(met.value)
    fault = Fault(field=met.field, value=value, message=met.message)
    return Problem(409, f"{met.field}: {met.message}", errors=[fault])
