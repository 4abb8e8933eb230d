"""JSON read so that no alert is lost: a string that is not Unicode is mended, not refused."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from fastapi import Request

from pulseguard_registry.guarded_route import GuardedRoute


class TolerantRequest(Request):
    """A request whose JSON may hold halves of surrogate pairs and bytes that are no UTF-8."""

    async def json(self) -> Any:  # Any: whatever JSON holds; validated by the route's model
        """The body as Python values; JSONDecodeError where it is not JSON."""
        text = (await self.body()).decode("utf-8", "replace")
        try:
            return json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise json.JSONDecodeError(str(error), "", 0) from None


class TolerantRoute(GuardedRoute):
    """A route that reads its body through TolerantRequest."""

    request_class = TolerantRequest


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
