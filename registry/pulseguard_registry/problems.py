"""Errors as RFC 9457 problem documents: what was wrong, which value, what to do."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
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
from pulseguard_registry.wording import message_of

log = logging.getLogger("pulseguard.registry")

TITLES = {
    400: "The request could not be read",
    401: "A valid key is needed",
    403: "This key may not do that",
    404: "There is no such thing",
    405: "This method is not offered here",
    409: "What is there does not allow this",
    412: "What is there is not what you expect",
    413: "The body is too large",
    415: "This kind of body is not taken",
    422: "The request does not hold",
    429: "Too many requests",
    428: "This change needs a condition",
    500: "The registry failed",
    503: "The registry cannot answer now",
}
SHOWN_CHARACTERS = 120


class Fault(BaseModel):
    """One thing to mend in the request."""

    field: str
    value: str | None = None
    message: str


class ProblemDocument(BaseModel):
    """An error as RFC 9457 describes it, with the request's id and every fault found."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[Fault] = []


class Problem(HTTPException):
    """Raise to answer with a problem document.

    A subclass of HTTPException because FastAPI lets only that pass out of body parsing.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers)
        self.errors = list(errors)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: problem documents with these statuses. Any: as FastAPI has it."""
    answer = {"model": ProblemDocument, "description": "Problem document (RFC 9457)"}
    return dict.fromkeys(statuses, answer)


def refusal(field: str, value: object, message: str) -> Problem:
    """A 422 about one field; the value is None where the field is absent."""
    fault = Fault(field=field, value=None if value is None else shown(value), message=message)
    return Problem(422, f"{field}: {message}", errors=[fault])


def unavailable(sentence: str, *, errors: Sequence[Fault] = ()) -> Problem:
    """A 503 that says why and that trying again soon is worth it."""
    return Problem(503, sentence, errors=errors, headers={"Retry-After": "2"})


def problem_response(problem: HTTPException, request_id: str) -> Response:
    """Render any HTTP error as a problem document."""
    status = problem.status_code
    document = ProblemDocument(
        type=f"urn:pulseguard:problem:{status}",
        title=TITLES.get(status, "The request was refused"),
        status=status,
        detail=str(problem.detail),
        request_id=request_id,
        errors=getattr(problem, "errors", []),
    )
    return Response(
        document.model_dump_json(),
        status_code=status,
        headers=dict(problem.headers or {}),
        media_type="application/problem+json",
    )


def validation_problem(
    faults: Sequence[Any],
) -> Problem:  # Any: pydantic's ErrorDetails or FastAPI's
    """A 422 that lists every fault pydantic found, each with field, value and mend."""
    errors = [_fault(fault) for fault in faults]
    first = errors[0] if errors else Fault(field="body", message="does not hold")
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return Problem(422, f"{first.field}: {first.message}{more}", errors=errors)


def install_problem_handlers(app: FastAPI, place: Place) -> None:
    """Make every error of the application a problem document; `place` is that of its database.

    All are coroutines: a plain function would wait for a thread, of which those who wait for the
    database may have taken all.
    """

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if not isinstance(error, Problem) and error.status_code in _ROUTING:
            error = HTTPException(error.status_code, _ROUTING[error.status_code], error.headers)
        return problem_response(error, request_id_of(request))

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


def request_id_of(request: Request) -> str:
    """The id that the gate gave to this request."""
    return str(request.scope.get("pulseguard.request_id", ""))


def shown(value: object) -> str:
    """A value as it may stand in an error: short, printable, one line."""
    if isinstance(value, datetime):
        value = value.isoformat()
    try:
        text = value if isinstance(value, str) else json.dumps(value, default=str)
    except (TypeError, ValueError, RecursionError):
        text = type(value).__name__
    text = text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"


_LOST = "the database did not answer this request in time; try again"


# What the router says by itself is only the name of the status.
_ROUTING = {
    404: "there is no such path; /docs lists those that there are",
    405: "this method is not offered on this path; /docs lists those that are",
}
_NO_OBJECT = frozenset({"json_type", "model_type", "model_attributes_type", "dict_type"})


def _fault(fault: Mapping[str, Any]) -> Fault:
    place = [str(part) for part in fault["loc"] if part not in ("body", "query", "path", "header")]
    if fault["type"] in _NO_OBJECT and not place:
        message = "is no JSON object; send one, with Content-Type: application/json"
        return Fault(field="body", message=message)
    if fault["type"] == "json_invalid":
        reason = fault.get("ctx", {}).get("error", fault["msg"])
        return Fault(field="body", message=f"is no valid JSON ({reason}); send a JSON object")
    field = ".".join(place) or "body"
    if fault["type"] == "missing":
        return Fault(field=field, message=_missing(fault, field))
    if fault["type"] == "extra_forbidden":
        message = "is not a field of this request; take it out, or see /docs for its right name"
        return Fault(field=field, value=shown(fault["input"]), message=message)
    return Fault(field=field, value=shown(fault["input"]), message=message_of(fault))


def _missing(fault: Mapping[str, Any], field: str) -> str:
    if field == "body":
        return "is missing; send a JSON object with Content-Type: application/json"
    return "is missing; it is required"
