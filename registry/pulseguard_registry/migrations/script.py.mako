"""${message}."""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    ${upgrades if upgrades else "raise SystemExit('write this migration')"}


def downgrade() -> None:
    """Take back."""
    ${downgrades if downgrades else "raise SystemExit('write this migration')"}
