"""When each alert was told last: what is not told any more is not known to fire."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
lost = "when each alert was told last"

STEPS = (
    "ALTER TABLE alerts ADD COLUMN last_told_at timestamptz",
    # Of what is there already, no more is known.
    "UPDATE alerts SET last_told_at = received_at",
    "ALTER TABLE alerts ALTER COLUMN last_told_at SET DEFAULT now(),"
    " ALTER COLUMN last_told_at SET NOT NULL",
    # What fires is few, and asked for every other second; the history is long.
    "CREATE INDEX alerts_told ON alerts (last_told_at) WHERE status = 'firing'",
)


def upgrade() -> None:
    """Add the column."""
    for step in STEPS:
        op.execute(step)


def downgrade() -> None:
    """Remove it, and its index with it."""
    op.execute("ALTER TABLE alerts DROP COLUMN last_told_at")
