"""Lets few requests ask Alertmanager at once, in threads of their own, and none for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from pulseguard_registry.alertmanager.client import Alertmanager
from pulseguard_registry.problems import unavailable

AT_ONCE: Final = 4
# With the deadline of what is asked then, less than a request may take.
LONGEST_WAIT_SECONDS: Final = 0.8

Result = TypeVar("Result")


class Room:
    """However long Alertmanager hangs, and however many ask: nobody else waits for it."""

    def __init__(self, alertmanager: Alertmanager | None) -> None:
        self._alertmanager = alertmanager
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="alertmanager")

    async def ask(self, work: Callable[[Alertmanager | None], Result]) -> Result:
        """Do this work, whose calls share one deadline of 3 s; a 503 problem where others keep
        Alertmanager busy."""
        begins_by = time.monotonic() + LONGEST_WAIT_SECONDS

        def run() -> Result:
            if time.monotonic() > begins_by:
                raise unavailable("Alertmanager keeps others waiting; try again in a few seconds")
            return work(self._alertmanager and self._alertmanager.hurried())

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)
