"""The history of alerts."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
lost = "the history of alerts"

# Labels and annotations are kept whole; name and severity beside them, to be filtered by.
ALERTS = """
CREATE TABLE alerts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fingerprint text NOT NULL CHECK (fingerprint <> ''),
    status text NOT NULL CHECK (status IN ('firing', 'resolved')),
    alertname text NOT NULL DEFAULT '',
    severity text NOT NULL DEFAULT '',
    agent_id uuid REFERENCES agents ON DELETE SET NULL,
    labels jsonb NOT NULL DEFAULT '{}',
    annotations jsonb NOT NULL DEFAULT '{}',
    starts_at timestamptz NOT NULL,
    ends_at timestamptz,
    generator_url text NOT NULL DEFAULT '',
    received_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (fingerprint, starts_at, status)
)
"""

STEPS = (
    ALERTS,
    "CREATE INDEX alerts_of_agent ON alerts (agent_id, id)",
    "CREATE INDEX alerts_of_name ON alerts (alertname, id)",
)


def upgrade() -> None:
    """Make the table."""
    for step in STEPS:
        op.execute(step)


def downgrade() -> None:
    """Remove it, and the history with it."""
    op.execute("DROP TABLE alerts")
