"""Where rules are checked: none so heavy, and no more at once, than are answered in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from pulseguard_registry.database.overdue import DUE
from pulseguard_registry.problems import refusal, unavailable
from pulseguard_registry.rules.checking.known_names import KnownNames
from pulseguard_registry.rules.checking.weight import weight_of
from pulseguard_registry.rules.vocabulary import RuleGroup

# By `weight_of`, of which one is 4 microseconds at most. Two thousand rules as they are written
# weigh about as much as one request may.
HEAVIEST: Final = 1_000_000
SECONDS_OF_ONE: Final = 4e-6
# As any other request: a few rules wait for nobody.
LIGHT: Final = 10_000
# Each keeps a thread of the pool that serves everybody, and all share one core.
AT_ONCE: Final = 2

Result = TypeVar("Result")


class CheckRoom:
    """Room for a few heavy checks, of those who come first."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def take(self, weight: int, due: float) -> AsyncIterator[None]:
        """Room for a check of this weight; a 503 problem where there is none so early that it ends
        before `due` (monotonic)."""
        if weight <= LIGHT:
            yield
            return
        waits = due - time.monotonic() - weight * SECONDS_OF_ONE
        try:
            async with asyncio.timeout(max(waits, 0)):
                await self._room.acquire()
        except TimeoutError:
            raise unavailable(
                f"{AT_ONCE} other checks of many rules are under way; try again in a few seconds"
            ) from None
        try:
            yield
        finally:
            self._room.release()


async def checked(
    request: Request,
    groups: Sequence[RuleGroup],
    field: str,
    work: Callable[[KnownNames], Result],
) -> Result:
    """What this work finds in these groups, once there is room; a 422 problem of this field where
    they are more than one request may have checked."""
    weight = sum(await run_in_threadpool(lambda: list(map(weight_of, groups))))
    if weight > HEAVIEST:
        message = (
            f"weighs {weight}, by the characters and operators of expressions and templates, and"
            f" no more than {HEAVIEST} are checked at once; send it in parts"
        )
        raise refusal(field, None, message)
    state = request.app.state
    async with state.check_room.take(weight, request.scope[DUE]):
        return await run_in_threadpool(work, state.known_names())
