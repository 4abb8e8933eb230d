"""Day partitions of ai_metrics: made ahead of time, dropped when their time is over."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Connection, text

DAYS_AHEAD = 3
_NAME = re.compile(r"ai_metrics_(\d{8})")


def make_partitions(connection: Connection, today: date) -> None:
    """Make the missing partitions from yesterday to three days ahead.

    The caller holds the advisory lock. Rows that fell outside of all partitions stay in the
    default one until a partition for their day is made, which takes them over.
    """
    existing = set(_partition_days(connection))
    for day in wanted_days(today):
        if day not in existing:
            _make_partition(connection, day)


def drop_outlived(connection: Connection, today: date, retention_days: int) -> None:
    """Drop the partitions, and delete the rows outside of all, whose time is over."""
    for day in outlived_days(_partition_days(connection), today, retention_days):
        connection.execute(text(f"DROP TABLE {_name(day)}"))
    bound = {"oldest": _midnight(today - timedelta(days=retention_days))}
    connection.execute(text("DELETE FROM ai_metrics_default WHERE taken_at < :oldest"), bound)


def wanted_days(today: date) -> list[date]:
    """Yesterday, for what arrives late, to three days ahead."""
    return [today + timedelta(days=offset) for offset in range(-1, DAYS_AHEAD + 1)]


def outlived_days(days: Iterable[date], today: date, retention_days: int) -> list[date]:
    """The days of which every snapshot is older than the retention."""
    return sorted(day for day in days if day < today - timedelta(days=retention_days))


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
    name, start, end = _name(day), _midnight(day), _midnight(day + timedelta(days=1))
    bounds = {"start": start, "end": end}
    connection.execute(text(f"CREATE TABLE {name} (LIKE ai_metrics INCLUDING ALL)"))
    connection.execute(
        text(
            "WITH moved AS (DELETE FROM ai_metrics_default"
            " WHERE taken_at >= :start AND taken_at < :end RETURNING *)"
            f" INSERT INTO {name} SELECT * FROM moved"
        ),
        bounds,
    )
    connection.execute(
        text(
            f"ALTER TABLE ai_metrics ATTACH PARTITION {name}"
            f" FOR VALUES FROM ('{start.isoformat()}') TO ('{end.isoformat()}')"
        )
    )


def _name(day: date) -> str:
    return f"ai_metrics_{day:%Y%m%d}"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
