"""Which keys have changed since a registry looked, and own keys that end in one order."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None
lost = ""

# The id of the writing transaction, as with the versions: a registry asks for those that the one
# before had not seen. When a key was used is written all the time, and no change in this sense.
CHANGED_IN = "ALTER TABLE api_keys ADD COLUMN changed_in bigint NOT NULL DEFAULT 0"
STAMP = """
CREATE FUNCTION stamp_key() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_in := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$
"""
STAMPED = """
CREATE TRIGGER key_stamped BEFORE INSERT OR UPDATE OF name, role, environment, team, digest,
    expires_at, revoked_at ON api_keys FOR EACH ROW EXECUTE FUNCTION stamp_key()
"""
# A row that is no longer there tells nothing. Those that have ended are out of use already.
GONE = """
CREATE TRIGGER valid_key_gone AFTER DELETE OR UPDATE OF digest ON api_keys FOR EACH ROW
WHEN (OLD.revoked_at IS NULL AND (OLD.expires_at IS NULL OR OLD.expires_at > now()))
EXECUTE FUNCTION bump_version('keys_gone')
"""

REVOKE_OWN_KEYS = """
CREATE OR REPLACE FUNCTION revoke_own_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE api_keys SET revoked_at = now() WHERE {};
    RETURN NULL;
END $$
"""
WHICH = "agent_id = NEW.id AND revoked_at IS NULL"
# As everybody locks keys: of two at once one waits, and none for the other.
IN_ORDER = f"id IN (SELECT id FROM api_keys WHERE {WHICH} ORDER BY id FOR UPDATE)"

STEPS = (
    CHANGED_IN,
    "CREATE INDEX api_keys_changed_in ON api_keys (changed_in)",
    STAMP,
    STAMPED,
    "INSERT INTO versions VALUES ('keys_gone', 0)",
    GONE,
    REVOKE_OWN_KEYS.format(IN_ORDER),
)
STEPS_DOWN = (
    REVOKE_OWN_KEYS.format(WHICH),
    "DROP TRIGGER valid_key_gone ON api_keys",
    "DELETE FROM versions WHERE name = 'keys_gone'",
    "DROP TRIGGER key_stamped ON api_keys",
    "DROP FUNCTION stamp_key()",
    "ALTER TABLE api_keys DROP COLUMN changed_in",
)


def upgrade() -> None:
    """Add the column; what is there counts as read by whoever reads everything first."""
    for step in STEPS:
        op.execute(step)


def downgrade() -> None:
    """Remove it; the keys stay."""
    for step in STEPS_DOWN:
        op.execute(step)
