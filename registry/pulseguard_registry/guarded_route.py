"""A route that lets a request in before it looks at anything else of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, get_origin

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import ParamTypes
from fastapi.routing import APIRoute

from pulseguard_registry.access.guard import declared_roles, let_in
from pulseguard_registry.faults import unknown_field
from pulseguard_registry.problems import refusal

# What some clients send where there is nothing to say.
_NOTHING = (b"", b"{}", b"null")


class GuardedRoute(APIRoute):
    """FastAPI reads body and headers before it asks who sends them: here the key comes first.

    Then what FastAPI would pass over: a parameter that is not known, or given twice, and a body
    where none is taken.
    """

    request_class: type[Request] = Request

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The usual handler, behind the key of the role that the route declares."""
        handle = super().get_route_handler()
        roles = declared_roles(self.endpoint, self.dependant)
        known, repeatable = _parameters(self.dependant)
        takes_body = self.body_field is not None

        async def handle_guarded(request: Request) -> Response:
            request = self.request_class(request.scope, request.receive)
            if roles is not None:
                await let_in(request, roles)
            _refuse_unknown(request, known)
            _refuse_repeated(request, repeatable)
            if not takes_body:
                _refuse_body(await request.body())
            return await handle(request)

        return handle_guarded


def _parameters(dependant: Dependant) -> tuple[frozenset[str], frozenset[str]]:
    """The names of the query parameters, and of those that may be given several times."""
    fields = [field for field in get_flat_params(dependant) if _is_query(field)]
    several = (each for each in fields if get_origin(each.field_info.annotation) is list)
    return frozenset(each.alias for each in fields), frozenset(each.alias for each in several)


def _is_query(field: Any) -> bool:  # Any: FastAPI's own, and those of a model's fields
    return getattr(field.field_info, "in_", ParamTypes.query) is ParamTypes.query


def _refuse_unknown(request: Request, known: frozenset[str]) -> None:
    """A 422 problem for a parameter that would be passed over, whatever it asks for."""
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise unknown_field(name, value)


def _refuse_repeated(request: Request, repeatable: frozenset[str]) -> None:
    """A 422 problem for a parameter of one value that has several: which one holds is a guess."""
    counted = Counter(name for name, _ in request.query_params.multi_items())
    for name, count in counted.items():
        if count > 1 and name not in repeatable:
            values = request.query_params.getlist(name)
            raise refusal(name, values, f"is given {count} times; give it once")


def _refuse_body(body: bytes) -> None:
    """A 422 problem for a body that would be passed over, whatever it asks for."""
    if body.strip() not in _NOTHING:
        raise refusal("body", None, "nothing is taken here; send this without a body")
