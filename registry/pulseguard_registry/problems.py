"""Errors as RFC 9457 problem documents: what was wrong, which value, what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import Scope

# In a request's ASGI scope: the id that the gate gave to it, and the problem that it is answered.
REQUEST_ID = "pulseguard.request_id"
PROBLEM = "pulseguard.problem"

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

    @property
    def logged(self) -> str:
        """What the log says of it: never a value, which may be secret or somebody's name."""
        return self.field


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


def problem_response(problem: HTTPException, scope: Scope) -> Response:
    """Render any HTTP error as a problem document, and leave it in the scope of its request."""
    scope[PROBLEM] = problem
    status = problem.status_code
    document = ProblemDocument(
        type=f"urn:pulseguard:problem:{status}",
        title=TITLES.get(status, "The request was refused"),
        status=status,
        detail=str(problem.detail),
        request_id=str(scope.get(REQUEST_ID, "")),
        errors=getattr(problem, "errors", []),
    )
    return Response(
        document.model_dump_json(),
        status_code=status,
        headers=dict(problem.headers or {}),
        media_type="application/problem+json",
    )


def request_id_of(request: Request) -> str:
    """The id that the gate gave to this request."""
    return str(request.scope.get(REQUEST_ID, ""))


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
