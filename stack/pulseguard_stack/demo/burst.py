"""Marked bursts: many calls at once, told apart in the ledger by the ids of their calls."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from openai import OpenAIError

from pulseguard_stack.demo.worker import Desk
from pulseguard_stack.model_server.models import Model

log = logging.getLogger(__name__)

_AT_ONCE = 25


class Bursts:
    """Waits for requests and makes a burst for each, one after the other."""

    def __init__(self, desk: Desk, model: Model, size: int) -> None:
        self._desk = desk
        self._model = model
        self._size = size
        self._requests: asyncio.Queue[None] = asyncio.Queue()
        self._made = 0

    def request(self) -> None:
        """Asks for one burst, soon."""
        self._requests.put_nowait(None)

    async def serve(self) -> None:
        """Makes the bursts that are asked for, until cancelled."""
        while True:
            await self._requests.get()
            self._made += 1
            await self._make()
            log.info("burst %d: %d calls made", self._made, self._size)

    async def _make(self) -> None:
        calls = self._desk.calls.marked(f"burst-{self._made}")
        gate = asyncio.Semaphore(_AT_ONCE)

        async def ask(number: int) -> None:
            # Failed calls count as well; they are the exporter's to tell.
            async with gate:
                with suppress(OpenAIError):
                    question = f"What is {number} + {self._made}?"
                    await calls.complete(self._model, [{"role": "user", "content": question}])

        async with asyncio.TaskGroup() as group:
            for number in range(self._size):
                group.create_task(ask(number))
