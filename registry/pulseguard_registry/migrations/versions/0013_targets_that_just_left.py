"""What has left discovery within the last minute as it was served: the rest of a fall brings it
back."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
lost = "the addresses of targets that left discovery within the last minute"

COLUMNS = ("metrics_address", "name", "instance", "type", "environment", "team", "labels")
NULLS = f"num_nulls({', '.join(COLUMNS)})"

# Of what left before this revision only the moment is known.
CHECK = f"""
ALTER TABLE served_targets DROP CONSTRAINT served_or_left, ADD CONSTRAINT served_or_left
CHECK ({NULLS} = 0 OR left_at IS NOT NULL AND {NULLS} = {len(COLUMNS)})
"""

FORGET = f"""
UPDATE served_targets SET {", ".join(f"{name} = NULL" for name in COLUMNS)}
 WHERE left_at IS NOT NULL
"""
CHECK_FORGOTTEN = f"""
ALTER TABLE served_targets DROP CONSTRAINT served_or_left, ADD CONSTRAINT served_or_left
CHECK ({NULLS} = CASE WHEN left_at IS NULL THEN 0 ELSE {len(COLUMNS)} END)
"""


def upgrade() -> None:
    """Allow it to be kept."""
    op.execute(CHECK)


def downgrade() -> None:
    """Forget it."""
    for step in (FORGET, CHECK_FORGOTTEN):
        op.execute(step)
