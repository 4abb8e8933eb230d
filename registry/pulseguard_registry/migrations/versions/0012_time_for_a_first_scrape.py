"""Since when a target is served and a Prometheus tells: before a first scrape can have been told,
nobody is called not scraped."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
lost = "since when each target is served and each Prometheus tells"

# Of what is there already, no more is known.
ADDED = {"served_targets": "since", "scrape_reports": "began_at"}


def upgrade() -> None:
    """Add the columns."""
    for table, column in ADDED.items():
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} timestamptz NOT NULL DEFAULT now()")


def downgrade() -> None:
    """Remove them."""
    for table, column in ADDED.items():
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
