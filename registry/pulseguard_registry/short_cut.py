"""Takes the hot path's requests to their endpoints before FastAPI looks through all its routes."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import Request
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from pulseguard_registry.strict_json import DirectRoute


class ShortCut:
    """Stands before the router; what is no POST to one of these direct routes goes on to it.

    It has nothing of its own to say: what an endpoint raises is answered as everywhere.
    """

    def __init__(self, router: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self._router = router
        direct = (route for route in routes if isinstance(route, DirectRoute))
        self._routes = tuple((route.path_regex, route) for route in direct)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "http" and scope["method"] == "POST":
            for pattern, route in self._routes:
                if (found := pattern.match(scope["path"])) is not None:
                    scope.update(route=route, path_params=found.groupdict())
                    response = await route.endpoint(Request(scope, receive, send))
                    await response(scope, receive, send)
                    return
        await self._router(scope, receive, send)
