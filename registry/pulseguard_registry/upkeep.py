"""What the registry does by itself: old records dropped, agents retired, status changes told."""

from __future__ import annotations

import asyncio
import logging

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pulseguard_registry.access.retention import drop_ended_keys, end_unused_own_keys
from pulseguard_registry.agents.retirement import retire_long_gone
from pulseguard_registry.alerts.retention import drop_old_alerts
from pulseguard_registry.audit.service import drop_outlived_records
from pulseguard_registry.database.diagnosis import own_words
from pulseguard_registry.database.engine import Database
from pulseguard_registry.database.migrate import take_lock
from pulseguard_registry.database.supervisor import Supervisor
from pulseguard_registry.events.service import drop_old_events
from pulseguard_registry.events.watching import tell_status_changes
from pulseguard_registry.rules.loading import drop_old_rule_reports
from pulseguard_registry.scrapes.service import drop_old_reports
from pulseguard_registry.settings import Settings
from pulseguard_registry.snapshots.partitions import database_today, keep_partitions

UPKEEP_SECONDS = 3600
STATUS_SECONDS = 3
# Well within the time that a statement has, and millions in an hour.
RECORDS_AT_ONCE = 5000
RECORDS_SECONDS = 10

log = logging.getLogger("pulseguard.registry")


def keep_house(database: Database, settings: Settings) -> None:
    """Partitions made ahead and dropped behind, by one registry at a time; so is what is as old."""
    today = database_today(database.engine)
    undone = keep_partitions(database.engine, today, settings.snapshot_retention_days)
    if undone:
        log.warning("%d steps of the snapshots' upkeep wait for readers; tried again later", undone)
    with database.engine.begin() as connection:
        take_lock(connection)
        drop_old_events(connection, settings.event_retention_days)
        drop_old_reports(connection)
        drop_old_rule_reports(connection)
        drop_ended_keys(connection, settings.key_retention_days)


def drop_records(database: Database, settings: Settings) -> None:
    """Some of the audit records whose time is over.

    Apart from the rest of the house, and beside all work: where their retention was shortened they
    are millions, and the registry must not wait for that to be ready.
    """
    with database.engine.begin() as connection:
        drop_outlived_records(connection, settings.audit_retention_days, RECORDS_AT_ONCE)


def drop_alerts(database: Database, settings: Settings) -> None:
    """Some of the alerts whose time is over, likewise."""
    with database.engine.begin() as connection:
        drop_old_alerts(connection, settings.alert_retention_days, RECORDS_AT_ONCE)


def retire_agents(database: Database, settings: Settings) -> None:
    """Those that have been away for days, and own keys that nobody has used for longer.

    Not at the start: nobody has been heard yet.
    """
    with database.sessions.begin() as session:
        retire_long_gone(
            session,
            silent_days=settings.retire_silent_days,
            stopped_days=settings.retire_stopped_days,
            offline_after_seconds=settings.offline_after_seconds,
        )
    # While access control is off nobody's use of a key is noted.
    days = settings.own_key_unused_days if settings.access_control == "on" else 0
    with database.sessions.begin() as session:
        ended = end_unused_own_keys(session, days)
    if ended:
        log.info("%d own keys of agents ended, not used for %d days", ended, days)


async def go_on(database: Database, settings: Settings, supervisor: Supervisor) -> None:
    """Keep the house for ever, every hour in which the database can be used."""
    while True:
        await asyncio.sleep(UPKEEP_SECONDS)
        if supervisor.trouble is None:
            try:
                await asyncio.to_thread(keep_house, database, settings)
                await asyncio.to_thread(retire_agents, database, settings)
            except (DBAPIError, PoolTimeout) as error:
                log.warning("the house was not kept this time: %s", own_words(error))


async def go_on_dropping(database: Database, settings: Settings, supervisor: Supervisor) -> None:
    """Drop old records for ever, a few at a time; after a failure not again for an hour."""
    pauses: dict[str, float] = {}
    while True:
        await asyncio.sleep(RECORDS_SECONDS)
        for what, drop in (("audit records", drop_records), ("alerts", drop_alerts)):
            pauses[what] = pauses.get(what, 0) - RECORDS_SECONDS
            if supervisor.trouble is None and pauses[what] <= 0:
                try:
                    await asyncio.to_thread(drop, database, settings)
                except (DBAPIError, PoolTimeout) as error:
                    pauses[what] = UPKEEP_SECONDS
                    log.warning("%s were not dropped this time: %s", what, own_words(error))


async def watch_statuses(database: Database, settings: Settings, supervisor: Supervisor) -> None:
    """Tell for ever which agents have another status than a moment ago."""

    def look() -> None:
        with database.engine.begin() as connection:
            tell_status_changes(connection, settings.offline_after_seconds)

    while True:
        await asyncio.sleep(STATUS_SECONDS)
        if supervisor.trouble is None:
            try:
                await asyncio.to_thread(look)
            except (DBAPIError, PoolTimeout) as error:
                log.warning("changes of status were not told this time: %s", own_words(error))
