"""Drops entries of the history whose time is over, but never of what fires still."""

from __future__ import annotations

from sqlalchemy import Connection, text

# What is told still, fires still: Alertmanager repeats it every minute. An alert goes as a whole:
# not its beginning before its end. One subquery for each: as a join, all the history would be read.
# What another registry drops just now is left to it.
_DROP = text("""
WITH old AS (
    SELECT id FROM alerts AS entry
     WHERE received_at < now() - make_interval(days => :days)
       AND (SELECT max(last_told_at) FROM alerts AS same
             WHERE same.fingerprint = entry.fingerprint AND same.starts_at = entry.starts_at)
           < now() - make_interval(days => :days)
     ORDER BY received_at LIMIT :most FOR UPDATE SKIP LOCKED
), dropped AS (
    DELETE FROM alerts USING old WHERE alerts.id = old.id
    RETURNING fingerprint, starts_at
)
DELETE FROM alert_acknowledgements AS seen USING dropped
 WHERE seen.fingerprint = dropped.fingerprint AND seen.starts_at = dropped.starts_at
""")
_DROP_TESTS = text("DELETE FROM alert_tests WHERE sent_at < now() - interval '1 day'")


def drop_old_alerts(connection: Connection, retention_days: int, most: int) -> None:
    """Delete alerts that were told last longer ago than that, the oldest first and at most so many
    entries; acknowledgements go with them, and tests of the way after a day."""
    connection.execute(_DROP, {"days": retention_days, "most": most})
    connection.execute(_DROP_TESTS)
