"""What every request that changes rules says beside the change: who, why, how long to wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, TypeVar

from fastapi import Depends, Query, Request, Response

from pulseguard_registry.access.guard import requires
from pulseguard_registry.access.keyring import Principal
from pulseguard_registry.database.transactions import committed
from pulseguard_registry.rules.fields import Message
from pulseguard_registry.rules.groups import Writer
from pulseguard_registry.rules.loading import Report, Target
from pulseguard_registry.rules.waiting import Wait, reports_after

Operator = Annotated[Principal, requires("editor", "admin")]
Why = Annotated[Message, Query(description="Why, for the revision.")]
Result = TypeVar("Result")


@dataclass(frozen=True)
class AskedChange:
    """A request that changes rules."""

    request: Request
    response: Response
    operator: Principal
    message: str
    wait: timedelta | None

    async def commit(self, work: Callable[[Writer], Result]) -> Result:
        """Do this work in a transaction of the request, committed when this returns."""
        return await committed(
            self.request,
            self.response,
            lambda session: work(Writer(session, self.operator, self.message)),
        )

    async def reports(self, targets: Sequence[Target]) -> list[Report]:
        """What each Prometheus tells, as soon as it is what was asked to be waited for."""
        return await reports_after(self.request, targets, self.wait)


def asked_change(
    request: Request,
    response: Response,
    operator: Operator,
    message: Why = "",
    wait: Wait = None,
) -> AskedChange:
    """The dependency of a route that changes rules."""
    return AskedChange(request, response, operator, message, wait)


Change = Annotated[AskedChange, Depends(asked_change)]
