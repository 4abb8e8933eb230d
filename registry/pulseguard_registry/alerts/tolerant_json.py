"""JSON read so that no alert is lost: a string that is not Unicode is mended, not refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi import Request, Response
from fastapi.routing import APIRoute


class TolerantRequest(Request):
    """A request whose JSON may hold halves of surrogate pairs and bytes that are no UTF-8."""

    async def json(self) -> Any:  # Any: whatever JSON holds; validated by the route's model
        """The body as Python values; JSONDecodeError where it is not JSON."""
        text = (await self.body()).decode("utf-8", "replace")
        try:
            return json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise json.JSONDecodeError(str(error), "", 0) from None


class TolerantRoute(APIRoute):
    """A route that reads its body through TolerantRequest."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The usual handler, given a TolerantRequest."""
        handle = super().get_route_handler()

        async def handle_tolerantly(request: Request) -> Response:
            return await handle(TolerantRequest(request.scope, request.receive))

        return handle_tolerantly


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
