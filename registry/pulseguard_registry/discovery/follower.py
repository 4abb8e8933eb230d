"""Follows the inventory: reads it, has the guard decide, keeps and renders what it decided."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection

from pulseguard_registry.discovery.guard import Served, decide, excused_of
from pulseguard_registry.discovery.store import (
    Changes,
    GuardRow,
    keep,
    lock_guard,
    mark_end_of_grace,
    read_inventory,
    read_served,
)
from pulseguard_registry.discovery.targets import Renderer, TargetList

log = logging.getLogger("pulseguard.registry")


class TargetFollower:
    """The list that is served: `current`, unchanged since `since` as far as this registry knows;
    what the guard has decided: `served` and `row`. None until they were read once.

    One registry at a time decides, under the lock of the guard's row; the others find it decided.
    """

    version_name = "targets"

    def __init__(
        self,
        inventory_labels: tuple[str, ...],
        grace_seconds: float,
        on_hold: Callable[[], None] = lambda: None,
    ) -> None:
        self._renderer = Renderer(inventory_labels)
        self._grace = timedelta(seconds=grace_seconds)
        self._on_hold = on_hold
        self._generation = -1
        self.served = Served()
        self.current: TargetList | None = None
        self.row: GuardRow | None = None
        self.since: datetime | None = None

    async def look(self, connection: AsyncConnection[Any]) -> None:
        """Have the list decided again where a grace time has ended."""
        await mark_end_of_grace(connection)

    async def reload(self, connection: AsyncConnection[Any]) -> None:
        """Read the inventory, decide what is served, and render that."""
        row = await lock_guard(connection)
        kept = self.served
        if row.generation != self._generation:
            kept = await read_served(connection, row.hold)
        # A lower one is a database from before, a backup: it does not know what was served since.
        previous = kept if row.generation >= self._generation else self.served
        previous = Served(previous.targets, previous.lost, row.hold)
        inventory, left = await read_inventory(connection, kept)
        excused = excused_of(left)
        served = await asyncio.to_thread(decide, previous, inventory, excused, row.now, self._grace)
        changes = await asyncio.to_thread(Changes.between, kept, served)
        generation = row.generation
        # More that is held back, or less, is no change of what is served: it is counted too.
        of_hold = (served.hold, len(served.held)) != (row.hold, row.held_targets)
        if changes or of_hold or generation < self._generation:
            generation = await keep(connection, row, served, changes, self._generation)
            self._tell(row, served)
        current = await asyncio.to_thread(self._renderer.render, served.targets)
        if self.current is None or current.etag != self.current.etag:
            self.since = row.now
        self.current, self.served, self.row = current, served, row
        self._generation = generation

    def _tell(self, row: GuardRow, served: Served) -> None:
        if served.hold is not None and row.hold is None:
            self._on_hold()
            log.warning(
                "%d of %d targets would leave discovery within a minute, without a goodbye: held"
                " back until %s, or POST /api/v1/discovery/release",
                *(len(served.held), len(served.targets), served.hold.until),
            )
        if served.hold is None and row.hold is not None:
            log.warning("nothing is held back any more: %d targets", len(served.targets))
