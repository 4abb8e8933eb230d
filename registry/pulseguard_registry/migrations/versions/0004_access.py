"""Audit records, which nobody can change, and when each key was used last."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
lost = "all audit records, and when each key was used last"

# The key is named, not referred to: a record outlives whatever it speaks of.
RECORDS = """
CREATE TABLE audit_records (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    key_id uuid,
    key_name text NOT NULL,
    role text NOT NULL,
    method text NOT NULL,
    route text NOT NULL,
    object_type text NOT NULL,
    object_id text NOT NULL,
    status integer NOT NULL CHECK (status BETWEEN 200 AND 399),
    request_id text NOT NULL
)
"""

# Retention says in its transaction how many days are kept; whoever says nothing deletes nothing.
KEEP = """
CREATE FUNCTION keep_audit_record() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    kept_days int := nullif(current_setting('pulseguard.audit_retention_days', true), '');
BEGIN
    IF TG_OP = 'DELETE' AND OLD.recorded_at < now() - make_interval(days => kept_days) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'audit records are not changed, and not deleted before their time';
END $$
"""

STEPS = (
    RECORDS,
    "CREATE INDEX audit_records_by_key ON audit_records (key_id, id)",
    "CREATE INDEX audit_records_of_object ON audit_records (object_id, id)",
    "CREATE INDEX audit_records_by_time ON audit_records (recorded_at)",
    KEEP,
    "CREATE TRIGGER keep_row BEFORE UPDATE OR DELETE ON audit_records FOR EACH ROW"
    " EXECUTE FUNCTION keep_audit_record()",
    "CREATE TRIGGER keep_all BEFORE TRUNCATE ON audit_records FOR EACH STATEMENT"
    " EXECUTE FUNCTION keep_audit_record()",
    "ALTER TABLE api_keys ADD COLUMN last_used_at timestamptz",
    "DROP TRIGGER keys_changed ON api_keys",
    # That a key was used changes nothing that the registries keep in memory.
    "CREATE TRIGGER keys_changed AFTER INSERT OR DELETE OR UPDATE OF name, role, environment, team,"
    " digest, expires_at, revoked_at ON api_keys FOR EACH STATEMENT"
    " EXECUTE FUNCTION bump_version('keys')",
)

STEPS_DOWN = (
    "DROP TABLE audit_records",
    "DROP FUNCTION keep_audit_record()",
    "DROP TRIGGER keys_changed ON api_keys",
    "ALTER TABLE api_keys DROP COLUMN last_used_at",
    "CREATE TRIGGER keys_changed AFTER INSERT OR UPDATE OR DELETE ON api_keys FOR EACH STATEMENT"
    " EXECUTE FUNCTION bump_version('keys')",
)


def upgrade() -> None:
    """Make the table and the column."""
    for step in STEPS:
        op.execute(step)


def downgrade() -> None:
    """Remove them, and the records with the table."""
    for step in STEPS_DOWN:
        op.execute(step)
