"""A week of snapshots of a whole fleet, up to now, in the order in which it would send them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from functools import partial

import psycopg
from sqlalchemy import create_engine

from bench.fleet import AGENTS
from pulseguard_registry.snapshots.partitions import keep_partitions

DAYS = 7
# Filled without its index and without its parent, both of which come after: by far the fastest.
MAKE = "CREATE TABLE filled_{day:%Y%m%d} (LIKE ai_metrics INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
# The agents take turns within an interval, so that any few minutes hold what is usual for them.
FILL = """
INSERT INTO filled_{day:%Y%m%d}
SELECT id, at, at, {seconds}, 812.5, 1604.2, 0.91, 0.87, 48211, 61.3, 8123, 212, 640.1, 1500.7, 187,
       30111, 9000, 100, 8000, 1000, '{{"timeout": 2}}', 12, 1, 3
  FROM generate_series('{day}T00:00:00Z'::timestamptz, '{day}T23:59:59Z', '{seconds} seconds')
       AS began
 CROSS JOIN (SELECT id, {seconds} * (row_number() OVER (ORDER BY id) - 1) / count(*) OVER ()
               AS turn FROM agents ORDER BY id) AS agents
 CROSS JOIN LATERAL (SELECT began + turn * interval '1 second' AS at) AS taken
 WHERE at < least('{day}T00:00:00Z'::timestamptz + interval '1 day', now())
"""
INDEX = "ALTER TABLE filled_{day:%Y%m%d} ADD PRIMARY KEY (agent_id, taken_at)"
TAKE_OVER = """
ALTER TABLE ai_metrics DETACH PARTITION ai_metrics_{day:%Y%m%d};
DROP TABLE ai_metrics_{day:%Y%m%d};
ALTER TABLE filled_{day:%Y%m%d} RENAME TO ai_metrics_{day:%Y%m%d};
ALTER TABLE ai_metrics ATTACH PARTITION ai_metrics_{day:%Y%m%d}
  FOR VALUES FROM ('{day}T00:00:00Z') TO ('{next_day}T00:00:00Z');
"""


def fill(url: str, now: datetime, snapshots: int) -> int:
    """Store about so many, evenly over the seven days before today and today; returns how many.

    Today is filled last, up to the moment at which that begins: what asks for the last minutes
    finds them full.
    """
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    today = now.date()
    days = [today - timedelta(days=ago) for ago in range(DAYS, -1, -1)]
    for day in days:
        keep_partitions(engine, day, DAYS)
    engine.dispose()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    span = timedelta(days=DAYS) + (now - midnight)
    seconds = max(round(span.total_seconds() * AGENTS / snapshots), 1)
    with ThreadPoolExecutor(2) as pool:
        stored = sum(pool.map(partial(_fill_day, url, seconds), days))
    with psycopg.connect(url, autocommit=True) as connection:
        for day in days:
            connection.execute(TAKE_OVER.format(day=day, next_day=day + timedelta(days=1)).encode())
        connection.execute("VACUUM ANALYZE ai_metrics")
        connection.execute("CHECKPOINT")
    return stored


def _fill_day(url: str, seconds: int, day: date) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute(MAKE.format(day=day).encode())
        stored = connection.execute(FILL.format(day=day, seconds=seconds).encode()).rowcount
        connection.execute(INDEX.format(day=day).encode())
    return stored
