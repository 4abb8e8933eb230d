"""What discovery serves, and since when silence is judged: both outlive a restart."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None
lost = "which targets are held back, and since when silence is judged"

# What the list held last; with `left_at`, what has left it within the last minute.
SERVED_TARGETS = """
CREATE TABLE served_targets (
    agent_id uuid PRIMARY KEY,
    target jsonb,
    left_at timestamptz,
    CHECK ((target IS NULL) = (left_at IS NOT NULL))
)
"""

# One row. `generation` tells one state of served_targets from another.
DISCOVERY_GUARD = """
CREATE TABLE discovery_guard (
    is_the_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_the_only_row),
    generation bigint NOT NULL DEFAULT 0,
    held_since timestamptz,
    held_until timestamptz,
    held_targets integer NOT NULL DEFAULT 0 CHECK (held_targets >= 0),
    holds bigint NOT NULL DEFAULT 0,
    released_at timestamptz,
    released_by text,
    released_targets integer,
    CHECK ((held_since IS NULL) = (held_until IS NULL)),
    CHECK ((held_since IS NULL) = (held_targets = 0))
)
"""

# A release is a change of the list, for every registry on this database.
GUARD_CHANGED = """
CREATE TRIGGER guard_changed AFTER UPDATE ON discovery_guard FOR EACH ROW
WHEN (OLD.held_until IS DISTINCT FROM NEW.held_until) EXECUTE FUNCTION bump_version('targets')
"""

# One row. An agent last heard before `silent_before` is silent; 1970 says: nobody.
WATCH = """
CREATE TABLE watch (
    is_the_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_the_only_row),
    noted_at timestamptz NOT NULL DEFAULT 'epoch',
    judged_from timestamptz NOT NULL DEFAULT 'epoch',
    silent_before timestamptz NOT NULL DEFAULT 'epoch',
    held_until timestamptz,
    held_agents integer NOT NULL DEFAULT 0 CHECK (held_agents >= 0)
) WITH (fillfactor = 50)
"""

STEPS = (
    SERVED_TARGETS,
    DISCOVERY_GUARD,
    "INSERT INTO discovery_guard DEFAULT VALUES",
    GUARD_CHANGED,
    WATCH,
    "INSERT INTO watch DEFAULT VALUES",
)


def upgrade() -> None:
    """Make the tables."""
    for step in STEPS:
        op.execute(step)


def downgrade() -> None:
    """Remove them: what is held back then is forgotten."""
    for table in ("served_targets", "discovery_guard", "watch"):
        op.execute(f"DROP TABLE {table}")
