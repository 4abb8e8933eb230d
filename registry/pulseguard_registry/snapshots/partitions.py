"""Day partitions of ai_metrics: made ahead of time, dropped when their time is over.

Both take exclusive locks, and whoever comes after waits behind one that is only asked for. So they
are asked for so shortly that no heartbeat notices, and again later where a long reader was in the
way: that a day is made or dropped has days of time.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import partial

from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from pulseguard_registry.database.migrate import take_lock

DAYS_AHEAD = 3
LOCK_MILLISECONDS = 200
ATTEMPTS = 3
PAUSE_SECONDS = 0.5

_NAME = re.compile(r"ai_metrics_(\d{8})")
_Step = Callable[[Connection], None]


def keep_partitions(engine: Engine, today: date, retention_days: int) -> int:
    """Make the partitions from yesterday to three days ahead, drop those whose time is over.

    How many steps were left undone, because readers held on to their tables. Rows that fell outside
    of all partitions stay in the default one until a partition for their day is made, which takes
    them over, or their time is over.
    """
    with engine.begin() as connection:
        existing = _partition_days(connection)
    steps: list[_Step] = [
        *(partial(_make_partition, day=day) for day in wanted_days(today) if day not in existing),
        *(partial(_drop, day=day) for day in outlived_days(existing, today, retention_days)),
        partial(_delete_outlived, before=oldest_kept(today, retention_days)),
    ]
    for _ in range(ATTEMPTS):
        steps = [step for step in steps if not _is_done(engine, step)]
        if not steps:
            break
        time.sleep(PAUSE_SECONDS)
    return len(steps)


def database_today(engine: Engine) -> date:
    """The day in UTC by the database's clock, which is the one for all registries."""
    with engine.begin() as connection:
        today: date = connection.execute(_TODAY).scalar_one()
    return today


def oldest_kept(today: date, retention_days: int) -> datetime:
    """Whatever is older is dropped."""
    return _midnight(today - timedelta(days=retention_days))


def wanted_days(today: date) -> list[date]:
    """Yesterday, for what arrives late, to three days ahead."""
    return [today + timedelta(days=offset) for offset in range(-1, DAYS_AHEAD + 1)]


def outlived_days(days: Iterable[date], today: date, retention_days: int) -> list[date]:
    """The days of which every snapshot is older than the retention."""
    return sorted(day for day in days if day < today - timedelta(days=retention_days))


_TODAY = text("SELECT CAST(now() AT TIME ZONE 'UTC' AS date)")


def _is_done(engine: Engine, step: _Step) -> bool:
    try:
        with engine.begin() as connection:
            take_lock(connection)
            connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_MILLISECONDS}"))
            step(connection)
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        return False
    return True


def _partition_days(connection: Connection) -> list[date]:
    rows = connection.execute(
        text(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'ai_metrics'::regclass"
        )
    ).scalars()
    names = (_NAME.fullmatch(name) for name in rows)
    return [datetime.strptime(found[1], "%Y%m%d").date() for found in names if found]


def _make_partition(connection: Connection, day: date) -> None:
    if day in _partition_days(connection):
        return  # another registry was faster
    name, start, end = _name(day), _midnight(day), _midnight(day + timedelta(days=1))
    bounds = {"start": start, "end": end}
    moved = text(
        "WITH moved AS (DELETE FROM ai_metrics_default"
        " WHERE taken_at >= :start AND taken_at < :end RETURNING *)"
        f" INSERT INTO {name} SELECT * FROM moved"
    )
    connection.execute(text(f"CREATE TABLE {name} (LIKE ai_metrics INCLUDING ALL)"))
    connection.execute(moved, bounds)
    # What came meanwhile follows under the lock: one row left behind, and attaching fails.
    connection.execute(text("LOCK TABLE ai_metrics_default IN ACCESS EXCLUSIVE MODE"))
    connection.execute(moved, bounds)
    connection.execute(
        text(
            f"ALTER TABLE ai_metrics ATTACH PARTITION {name}"
            f" FOR VALUES FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
        )
    )


def _drop(connection: Connection, day: date) -> None:
    connection.execute(text(f"DROP TABLE IF EXISTS {_name(day)}"))


def _delete_outlived(connection: Connection, before: datetime) -> None:
    bound = {"before": before}
    connection.execute(text("DELETE FROM ai_metrics_default WHERE taken_at < :before"), bound)


def _name(day: date) -> str:
    return f"ai_metrics_{day:%Y%m%d}"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
