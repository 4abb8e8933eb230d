"""Which processes beat as an agent; keys that enrol agents, and those that the enrolled get."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None
lost = "all keys of role enrolment, the own keys of agents, and the events of two processes"

# Written when another process beats than before, and by nothing else: beside the agents, so that a
# heartbeat has one name to write, not three. `marked` is looked out for: once it comes back after
# others, it lives, and so does one of them.
PROCESSES = """
CREATE TABLE agent_processes (
    agent_id uuid PRIMARY KEY REFERENCES agents ON DELETE CASCADE,
    former text NOT NULL,
    marked text NOT NULL,
    changes integer NOT NULL DEFAULT 1,
    returned_at timestamptz
) WITH (fillfactor = 70)
"""

# One that has not come back for so many changes has ended: of more processes that beat in turn,
# their number is all that is not known.
PATIENCE = 16
NOTE_PROCESS = f"""
CREATE FUNCTION note_process() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.process IS NULL THEN
        DELETE FROM agent_processes WHERE agent_id = NEW.id;
    ELSIF OLD.process IS NOT NULL THEN
        INSERT INTO agent_processes AS known (agent_id, former, marked)
        VALUES (NEW.id, OLD.process, OLD.process)
        ON CONFLICT (agent_id) DO UPDATE SET former = OLD.process,
            marked = CASE WHEN known.changes < {PATIENCE} THEN known.marked ELSE OLD.process END,
            changes = CASE WHEN known.changes < {PATIENCE} AND known.marked <> NEW.process
                           THEN known.changes + 1 ELSE 1 END,
            returned_at = CASE WHEN known.marked = NEW.process THEN now()
                               ELSE known.returned_at END;
    END IF;
    RETURN NULL;
END $$
"""
# A heartbeat pays for this comparison, and for nothing more while one process beats.
PROCESS_NOTED = """
CREATE TRIGGER process_noted AFTER UPDATE OF process ON agents FOR EACH ROW
WHEN (OLD.process IS DISTINCT FROM NEW.process) EXECUTE FUNCTION note_process()
"""

# A key of an agent's own speaks for that agent only, so it may not outlive this column.
OWN_KEYS = """
ALTER TABLE api_keys
    ADD COLUMN agent_id uuid REFERENCES agents ON DELETE CASCADE,
    DROP CONSTRAINT api_keys_role_check,
    ADD CONSTRAINT api_keys_role_check
        CHECK (role IN ('agent', 'enrolment', 'prometheus', 'viewer', 'editor', 'admin')),
    ADD CONSTRAINT api_keys_own_check CHECK (agent_id IS NULL OR role = 'agent'),
    ADD CONSTRAINT api_keys_enrolment_check CHECK (role <> 'enrolment' OR (
        environment IS NOT NULL AND expires_at IS NOT NULL
        AND expires_at <= created_at + interval '24 hours 1 minute'))
"""
# Who was retired for being away comes back by itself; whom an operator retires does not.
REVOKE_OWN_KEYS = """
CREATE FUNCTION revoke_own_keys() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE api_keys SET revoked_at = now() WHERE agent_id = NEW.id AND revoked_at IS NULL;
    RETURN NULL;
END $$
"""
OWN_KEYS_REVOKED = """
CREATE TRIGGER own_keys_revoked AFTER UPDATE OF retired_at ON agents FOR EACH ROW
WHEN (OLD.retired_at IS NULL AND NEW.retired_at IS NOT NULL
      AND current_setting('pulseguard.cause', true) = 'operator')
EXECUTE FUNCTION revoke_own_keys()
"""

KINDS = (
    *("registered", "returned", "stopped", "retired", "restored", "version_changed", "changed"),
    *("maintenance_began", "maintenance_changed", "maintenance_ended", "status_changed"),
)
NEW_KINDS = ("two_processes_began", "two_processes_ended")


def _kinds(*names: str) -> str:
    allowed = ", ".join(f"'{name}'" for name in names)
    return f"ADD CONSTRAINT agent_events_kind_check CHECK (kind IN ({allowed}))"


STEPS = (
    "ALTER TABLE agents ADD COLUMN process text",
    PROCESSES,
    NOTE_PROCESS,
    PROCESS_NOTED,
    "ALTER TABLE agent_told ADD COLUMN two_processes boolean NOT NULL DEFAULT false",
    "ALTER TABLE agent_events DROP CONSTRAINT agent_events_kind_check, "
    + _kinds(*KINDS, *NEW_KINDS),
    OWN_KEYS,
    "CREATE INDEX api_keys_of_agent ON api_keys (agent_id) WHERE agent_id IS NOT NULL",
    REVOKE_OWN_KEYS,
    OWN_KEYS_REVOKED,
)

STEPS_DOWN = (
    f"DELETE FROM agent_events WHERE kind IN {NEW_KINDS}",
    "ALTER TABLE agent_events DROP CONSTRAINT agent_events_kind_check, " + _kinds(*KINDS),
    "ALTER TABLE agent_told DROP COLUMN two_processes",
    "DROP TRIGGER process_noted ON agents",
    "DROP FUNCTION note_process()",
    "DROP TABLE agent_processes",
    "ALTER TABLE agents DROP COLUMN process",
    "DROP TRIGGER own_keys_revoked ON agents",
    "DROP FUNCTION revoke_own_keys()",
    "DELETE FROM api_keys WHERE role = 'enrolment' OR agent_id IS NOT NULL",
    "ALTER TABLE api_keys DROP CONSTRAINT api_keys_enrolment_check,"
    " DROP CONSTRAINT api_keys_own_check, DROP COLUMN agent_id,"
    " DROP CONSTRAINT api_keys_role_check, ADD CONSTRAINT api_keys_role_check"
    " CHECK (role IN ('agent', 'prometheus', 'viewer', 'editor', 'admin'))",
)


def upgrade() -> None:
    """Add the columns, the table, and the triggers that no path around them can forget."""
    for step in STEPS:
        op.execute(step)


def downgrade() -> None:
    """Remove them, with the events that only they could tell and the keys that only they bind."""
    for step in STEPS_DOWN:
        op.execute(step)
