"""Which key enrolled whom, and which agents an operator has retired: no enrolment takes those."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None
lost = "which key enrolled whom, and which agents an operator has retired"

# With the key that made them end the own keys, which is asked for by this column.
ENROLLED_BY = """
ALTER TABLE api_keys
    ADD COLUMN enrolled_by uuid REFERENCES api_keys ON DELETE CASCADE,
    ADD CONSTRAINT api_keys_enrolled_check CHECK (enrolled_by IS NULL OR agent_id IS NOT NULL)
"""
INDEX = """
CREATE INDEX api_keys_enrolled_by ON api_keys (enrolled_by) WHERE enrolled_by IS NOT NULL
"""
# Not read from the events: these go after their time, and the agent stays retired.
BY_OPERATOR = """
ALTER TABLE agents
    ADD COLUMN retired_by_operator boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT agents_retired_by_operator_check
        CHECK (retired_at IS NOT NULL OR NOT retired_by_operator)
"""
FILL = """
UPDATE agents SET retired_by_operator = true
 WHERE retired_at IS NOT NULL
   AND (SELECT detail ->> 'cause' FROM agent_events
         WHERE agent_id = agents.id AND kind = 'retired' ORDER BY id DESC LIMIT 1) = 'operator'
"""

STEPS = (ENROLLED_BY, INDEX, BY_OPERATOR, FILL)
STEPS_DOWN = (
    "ALTER TABLE agents DROP COLUMN retired_by_operator",
    "ALTER TABLE api_keys DROP COLUMN enrolled_by",
)


def upgrade() -> None:
    """Add the columns; of keys that are there nobody knows by which they were made."""
    for step in STEPS:
        op.execute(step)


def downgrade() -> None:
    """Remove them; the keys stay."""
    for step in STEPS_DOWN:
        op.execute(step)
