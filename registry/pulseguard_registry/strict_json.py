"""JSON as RFC 8259 has it: no NaN, no infinity, no lone surrogates, no name twice in an object."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json

from pulseguard_registry.guarded_route import GuardedRoute


class StrictRequest(Request):
    """A request whose JSON is parsed strictly."""

    async def json(self) -> Any:  # Any: whatever JSON holds; validated by the route's model
        """The body as Python values; JSONDecodeError where it is not JSON."""
        body = await self.body()
        try:
            value = from_json(body, allow_inf_nan=False)
            refuse_repeated_names(body)
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from None
        return value


def refuse_repeated_names(body: bytes) -> None:
    """ValueError where an object of this JSON, which is valid, has a name twice.

    Parsers differ in which of the two they take (RFC 8259, section 4): what was checked somewhere
    on the way need not be what is stored.
    """
    json.loads(body, object_pairs_hook=_unique)


def _unique(pairs: list[tuple[str, object]]) -> None:
    names = {name for name, _ in pairs}
    if len(names) != len(pairs):
        twice = next(name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1)
        raise ValueError(f"the name {twice[:120]!r} is there twice in one object")


class StrictRoute(GuardedRoute):
    """A route that reads its body through StrictRequest."""

    request_class = StrictRequest


class DirectRoute(APIRoute):
    """A route whose endpoint takes the request and returns the response, and nothing in between.

    For the hot path: it stands in the OpenAPI document like any other and costs a fifth.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint itself."""
        endpoint: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return endpoint
