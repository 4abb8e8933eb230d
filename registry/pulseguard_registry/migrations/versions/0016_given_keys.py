"""Which keys the registry has taken over from a file, and from which."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None
lost = "from which file each given key was taken over"

# The path: what a file held before is found by it. An agent's own key is nobody else's, and one of
# role enrolment has to end.
GIVEN_AS = """
ALTER TABLE api_keys
    ADD COLUMN given_as text CHECK (given_as <> ''),
    ADD CONSTRAINT api_keys_given_check
        CHECK (given_as IS NULL OR agent_id IS NULL AND role <> 'enrolment')
"""


def upgrade() -> None:
    """Add the column; of keys that are there no file is known."""
    op.execute(GIVEN_AS)


def downgrade() -> None:
    """Remove it; the keys stay, and one that was about to end still does."""
    op.execute("ALTER TABLE api_keys DROP COLUMN given_as")
