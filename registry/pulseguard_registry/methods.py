"""The methods of a path: HEAD wherever there is GET, and all of them where one is not offered."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send


class HeadAsGet:
    """Has the application answer HEAD as it does GET (RFC 9110, section 9.3.2).

    The server leaves the body out, by its own scope, which is not changed.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)


def allowed_methods(routes: Sequence[BaseRoute], path: str) -> str:
    """What `Allow` says of a path: the methods of all its routes, not of the first one only."""
    methods: set[str] = set()
    for route in iter_route_contexts(routes):
        pattern = getattr(route, "path_regex", None)
        if pattern is not None and pattern.match(path):
            # A folder of files names none.
            methods |= route.methods or {"GET"}
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))
