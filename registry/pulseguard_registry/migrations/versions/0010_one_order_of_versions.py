"""An agent that an operator retires bumps the version of targets before that of keys, as enrolment
does: else each of the two could wait for the other."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None
lost = ""

# Triggers fire by the alphabet: this one, which bumps that of keys, after `targets_changed`.
BEFORE, AFTER = "own_keys_revoked", "targets_then_own_keys_revoked"
RENAME = "ALTER TRIGGER {} ON agents RENAME TO {}"


def upgrade() -> None:
    """Let it fire last."""
    op.execute(RENAME.format(BEFORE, AFTER))


def downgrade() -> None:
    """Give it back its name."""
    op.execute(RENAME.format(AFTER, BEFORE))
