"""Alerts with the agent as it was, acknowledgements, the dead man's switch, and silences."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None
lost = (
    "how agents were when their alerts began, all acknowledgements of alerts, and when the dead"
    " man's switch was last heard"
)

# What is filtered by stands beside the labels, as name and severity do. `agent_then` is what is
# dropped elsewhere long before: snapshots after days, events after weeks.
COLUMNS = """
ALTER TABLE alerts
    ADD COLUMN agent_name text NOT NULL DEFAULT '',
    ADD COLUMN environment text NOT NULL DEFAULT '',
    ADD COLUMN team text NOT NULL DEFAULT '',
    ADD COLUMN agent_then jsonb
"""
_LABELLED = ",\n    ".join(
    f"{column} = left(coalesce(nullif(same.labels->>'{label}', ''), {known}, ''), 200)"
    for column, label, known in (
        ("agent_name", "agent", "agents.name"),
        ("environment", "environment", "agents.environment"),
        ("team", "team", "agents.team"),
    )
)
FILL = f"""
UPDATE alerts SET
    {_LABELLED}
  FROM alerts AS same LEFT JOIN agents ON agents.id = same.agent_id
 WHERE same.id = alerts.id
"""

# Of the alert, not of one of its entries: a fingerprint and a start.
ACKNOWLEDGEMENTS = """
CREATE TABLE alert_acknowledgements (
    fingerprint text NOT NULL CHECK (fingerprint <> ''),
    starts_at timestamptz NOT NULL,
    agent_id uuid REFERENCES agents ON DELETE SET NULL,
    acknowledged_at timestamptz NOT NULL DEFAULT now(),
    key_id uuid,
    key_name text NOT NULL,
    note text NOT NULL DEFAULT '',
    PRIMARY KEY (fingerprint, starts_at)
)
"""

WATCHDOG = """
CREATE TABLE watchdog (
    is_the_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_the_only_row),
    told_at timestamptz
)
"""

# What Alertmanager has confirmed: until when the alerts of an agent in maintenance are silent.
SILENCES = """
CREATE TABLE agent_silences (
    agent_id uuid PRIMARY KEY REFERENCES agents ON DELETE CASCADE,
    silent_until timestamptz NOT NULL
)
"""

# `before` is what Alertmanager had counted when the alert was sent, `told_before` what the registry
# had; `verdict` is kept because Alertmanager forgets an alert that is over.
TESTS = """
CREATE TABLE alert_tests (
    id uuid PRIMARY KEY,
    sent_at timestamptz NOT NULL DEFAULT now(),
    before jsonb NOT NULL,
    told_before bigint NOT NULL,
    verdict jsonb
)
"""
# How many notifications the registry has answered. No row: each would wait for the one before, and
# a whole fleet's come at once.
TOLD = "CREATE SEQUENCE notifications_told"

# Fires by the alphabet behind `targets_changed`: whoever changes both versions does it in one
# order. A heartbeat sets none of these columns.
PLANNED = """
CREATE TRIGGER work_planned
AFTER UPDATE OF maintenance_until, maintenance_reason, retired_at ON agents FOR EACH ROW
WHEN (coalesce(OLD.maintenance_until, NEW.maintenance_until) IS NOT NULL
  AND (OLD.maintenance_until, OLD.maintenance_reason, OLD.retired_at IS NULL)
      IS DISTINCT FROM
      (NEW.maintenance_until, NEW.maintenance_reason, NEW.retired_at IS NULL))
EXECUTE FUNCTION bump_version('maintenance')
"""

STEPS = (
    COLUMNS,
    FILL,
    *(
        f"CREATE INDEX alerts_of_{column} ON alerts ({column}, id)"
        for column in ("severity", "agent_name", "environment", "team")
    ),
    "CREATE INDEX alerts_began ON alerts (starts_at)",
    # For the agent's timeline, which is in the order of time.
    "CREATE INDEX alerts_of_agent_began ON alerts (agent_id, starts_at, id)",
    "CREATE INDEX alerts_of_agent_ended ON alerts (agent_id, ends_at, id)"
    " WHERE status = 'resolved'",
    "CREATE INDEX agent_events_of_agent_at ON agent_events (agent_id, at, id)",
    # Upkeep goes from the oldest on.
    "CREATE INDEX alerts_received ON alerts (received_at)",
    ACKNOWLEDGEMENTS,
    "CREATE INDEX alert_acknowledgements_of_agent"
    " ON alert_acknowledgements (agent_id, acknowledged_at)",
    WATCHDOG,
    "INSERT INTO watchdog VALUES (true, NULL)",
    SILENCES,
    TESTS,
    TOLD,
    "INSERT INTO versions VALUES ('maintenance', 0)",
    PLANNED,
)
STEPS_DOWN = (
    "DROP TRIGGER work_planned ON agents",
    "DELETE FROM versions WHERE name = 'maintenance'",
    "DROP SEQUENCE notifications_told",
    "DROP TABLE alert_tests, agent_silences, watchdog, alert_acknowledgements",
    "DROP INDEX agent_events_of_agent_at, alerts_of_severity, alerts_began,"
    " alerts_of_agent_began, alerts_of_agent_ended, alerts_received",
    "ALTER TABLE alerts DROP COLUMN agent_name, DROP COLUMN environment, DROP COLUMN team,"
    " DROP COLUMN agent_then",
)


def upgrade() -> None:
    """Add the columns, their indexes and the tables."""
    for step in STEPS:
        op.execute(step)


def downgrade() -> None:
    """Remove them; the history stays."""
    for step in STEPS_DOWN:
        op.execute(step)
