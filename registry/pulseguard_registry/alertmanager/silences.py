"""Maintenance is a silence in Alertmanager: held while it lasts, ended with it.

A silence lasts three minutes and is extended, so that it ends by itself where no registry lives. Of
several registries on one database one does this at a time, under an advisory lock. What there is is
read from Alertmanager each time: it may have lost a silence, and a registry may be new.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, timedelta
from typing import Any, Final

from psycopg import AsyncConnection
from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pulseguard_registry.alertmanager.client import (
    Alertmanager,
    AlertmanagerUnavailable,
    Clock,
)
from pulseguard_registry.alertmanager.lease import Plan, Silence, Work, decide
from pulseguard_registry.database.diagnosis import own_words
from pulseguard_registry.database.engine import Database
from pulseguard_registry.database.supervisor import Supervisor
from pulseguard_registry.telemetry import Telemetry

# "hush" as a number: the advisory lock under which one registry silences.
LOCK: Final = 0x68757368
LOOK_SECONDS: Final = 10.0
# What comes of reckoning with what was told, where that is strange.
_STRANGE: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
# Well within the time after which PostgreSQL ends a transaction in which nothing is asked.
_TOUCH_SECONDS: Final = 1.0

_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(:lock)")
_TOUCH = text("SELECT 1")
_WORKS = text("""
SELECT id, name, instance, environment, maintenance_until, maintenance_reason,
       maintenance_until - now() AS remaining
  FROM agents WHERE maintenance_until > now() AND retired_at IS NULL ORDER BY id
""")
_KNOWN = text("SELECT id FROM agents WHERE id = ANY(:ids)")
_FORGET = text("DELETE FROM agent_silences WHERE agent_id <> ALL(:ids)")
_CONFIRM = text("""
INSERT INTO agent_silences
SELECT agents.id, now() + told.lasting
  FROM unnest(CAST(:ids AS uuid[]), CAST(:lasting AS interval[])) AS told (id, lasting)
       JOIN agents USING (id) ORDER BY id
    ON CONFLICT (agent_id) DO UPDATE SET silent_until = excluded.silent_until
""")
_STATE = text("""
SELECT (SELECT count(*) FROM agents LEFT JOIN agent_silences ON agent_id = id
         WHERE maintenance_until > now() AND retired_at IS NULL
           AND coalesce(silent_until <= now(), true)),
       (SELECT coalesce(extract(epoch FROM told_at), 0)::float8 FROM watchdog)
""")

log = logging.getLogger("pulseguard.registry")


class Silencing:
    """Keeps silences in step with maintenance, and the metrics of the way that alerts take.

    A follower of the supervisor: whichever registry changes maintenance, all are woken within a
    second.
    """

    version_name = "maintenance"

    def __init__(
        self, database: Database, alertmanager: Alertmanager | None, telemetry: Telemetry
    ) -> None:
        self._database = database
        self._alertmanager = alertmanager
        self._telemetry = telemetry
        self._woken = asyncio.Event()
        self._trouble = ""
        self._is_ending = False

    async def reload(self, connection: AsyncConnection[Any]) -> None:
        """Maintenance has changed: look at once."""
        self._woken.set()

    async def run(self, supervisor: Supervisor) -> None:
        """Go on for ever, whenever maintenance has changed and every 10 s."""
        try:
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), LOOK_SECONDS)
                self._woken.clear()
                if supervisor.trouble is None:
                    await self._look()
        finally:
            # The thread goes on until Alertmanager has answered once more, and then no further.
            self._is_ending = True

    async def _look(self) -> None:
        try:
            await asyncio.to_thread(self._work)
        except (DBAPIError, PoolTimeout) as error:
            log.warning("silences were not looked after this time: %s", own_words(error))

    def _work(self) -> None:
        if self._alertmanager is not None:
            with self._database.engine.begin() as connection:
                if connection.execute(_TRY_LOCK, {"lock": LOCK}).scalar_one():
                    self._tell(self._keep_up(connection, self._alertmanager))
        with self._database.engine.begin() as connection:
            unsilenced, watchdog_at = connection.execute(_STATE).one()
        self._telemetry.set_alert_path(unsilenced=unsilenced, watchdog_at=watchdog_at)

    def _keep_up(self, connection: Connection, alertmanager: Alertmanager) -> str:
        """Bring the silences to what they should be; returns the trouble, or nothing."""
        works = _read_works(connection)
        confirmed: dict[uuid.UUID, timedelta] = {}
        try:
            told, clock = alertmanager.silences()
            held = [silence for each in told if (silence := Silence.of(each)) is not None]
            known = connection.execute(_KNOWN, {"ids": [each.agent_id for each in held]})
            plan = decide(works, held, set(known.scalars()), clock.now())
            confirmed |= plan.kept
            for done in self._carry_out(plan, alertmanager, clock, connection):
                confirmed |= done
        except AlertmanagerUnavailable as error:
            return str(error)
        except _STRANGE as error:
            # It is no reason to end: whoever stands at that address must not take the registry.
            return (
                f"what {alertmanager.url} tells of silences is not what an Alertmanager tells"
                f" ({type(error).__name__}: {error}); look at PULSEGUARD_ALERTMANAGER_URL"
            )
        finally:
            _confirm(connection, works, confirmed)
        return ""

    def _carry_out(
        self, plan: Plan, alertmanager: Alertmanager, clock: Clock, connection: Connection
    ) -> Iterator[dict[uuid.UUID, timedelta]]:
        """Make, extend and end silences; tells of each agent for how long it is silenced."""
        touched_at = time.monotonic()
        for lease in plan.leases:
            alertmanager.set_silence(lease.told(clock.now()))
            yield {lease.work.agent_id: lease.length}
            touched_at = self._go_on(connection, touched_at)
        for silence_id in plan.over:
            alertmanager.expire_silence(silence_id)
            touched_at = self._go_on(connection, touched_at)

    def _go_on(self, connection: Connection, touched_at: float) -> float:
        """Keep the transaction, and with it the lock; returns when that was done last."""
        if self._is_ending:
            raise AlertmanagerUnavailable(self._trouble)
        if time.monotonic() - touched_at < _TOUCH_SECONDS:
            return touched_at
        connection.execute(_TOUCH)
        return time.monotonic()

    def _tell(self, trouble: str) -> None:
        """Once, when it begins, and when it is over."""
        if trouble and not self._trouble:
            log.warning("alerts of agents under maintenance are not silenced: %s", trouble)
        if self._trouble and not trouble:
            log.info("alerts of agents under maintenance are silenced again")
        self._trouble = trouble


def _read_works(connection: Connection) -> list[Work]:
    return [
        Work(
            agent_id=row.id,
            remaining=row.remaining,
            comment=_comment(row),
        )
        for row in connection.execute(_WORKS)
    ]


def _comment(row: Row[Any]) -> str:  # Any: mixed columns
    until = row.maintenance_until.astimezone(UTC).isoformat(timespec="seconds")
    said = f"{row.name} ({row.instance}, {row.environment}) is under maintenance until {until}"
    return f"{said}: {row.maintenance_reason}" if row.maintenance_reason else said


def _confirm(
    connection: Connection, works: Sequence[Work], confirmed: Mapping[uuid.UUID, timedelta]
) -> None:
    """Keep what Alertmanager has confirmed, for all registries to tell."""
    connection.execute(_FORGET, {"ids": [work.agent_id for work in works]})
    told = {"ids": [*confirmed], "lasting": [*confirmed.values()]}
    if confirmed:
        connection.execute(_CONFIRM, told)
