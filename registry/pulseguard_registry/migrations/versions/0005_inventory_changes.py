"""What operators set, revisions, maintenance, and the events of each agent."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
lost = "the events of all agents, what was set by operators and not by agents, and planned work"

COLUMNS = """
ALTER TABLE agents
    ADD COLUMN revision bigint NOT NULL DEFAULT 1,
    ADD COLUMN operator_set text[] NOT NULL DEFAULT '{}'
        CHECK (operator_set <@ ARRAY['description', 'team', 'tags', 'labels']),
    ADD COLUMN maintenance_until timestamptz,
    ADD COLUMN maintenance_reason text NOT NULL DEFAULT ''
"""

# `was` and `became` are `from` and `to` on the wire, which SQL keeps for itself.
EVENTS = """
CREATE TABLE agent_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    agent_id uuid NOT NULL REFERENCES agents ON DELETE CASCADE,
    at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL CHECK (kind IN ('registered', 'returned', 'stopped', 'retired', 'restored',
        'version_changed', 'changed', 'maintenance_began', 'maintenance_changed',
        'maintenance_ended', 'status_changed')),
    was text,
    became text,
    detail jsonb NOT NULL DEFAULT '{}'
)
"""

# Beside the agents, not a column of theirs: noticing a status changes no row that a heartbeat does,
# and a foreign key locks it FOR KEY SHARE only, in the way of nobody who leaves its key as it is.
TOLD = """
CREATE TABLE agent_told (
    agent_id uuid PRIMARY KEY REFERENCES agents ON DELETE CASCADE,
    status text NOT NULL,
    told_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70)
"""

SCRAPES = """
CREATE TABLE agent_scrapes (
    prometheus text NOT NULL CHECK (prometheus <> ''),
    agent_id uuid NOT NULL REFERENCES agents ON DELETE CASCADE,
    state text NOT NULL CHECK (state IN ('up', 'down')),
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (agent_id, prometheus)
)
"""
REPORTS = """
CREATE TABLE scrape_reports (
    prometheus text PRIMARY KEY CHECK (prometheus <> ''),
    told_at timestamptz NOT NULL DEFAULT now(),
    strangers text[] NOT NULL DEFAULT '{}'
)
"""

GROW = """
CREATE FUNCTION grow_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.revision := OLD.revision + 1;
    RETURN NEW;
END $$
"""

# What an agent is. A heartbeat sets none of these, so that not even the condition is looked at.
PLAIN = ("team", "type", "description", "deployment_type", "host", "tags", "labels", "config")
WHAT_IT_IS = (
    *("version", *PLAIN, "metrics_address"),
    *("operator_set", "maintenance_until", "maintenance_reason", "retired_at"),
)
REVISED = f"""
CREATE TRIGGER revised BEFORE UPDATE OF {", ".join(WHAT_IT_IS)} ON agents FOR EACH ROW
WHEN (({", ".join("OLD." + name for name in WHAT_IT_IS)})
   IS DISTINCT FROM
      ({", ".join("NEW." + name for name in WHAT_IT_IS)}))
EXECUTE FUNCTION grow_revision()
"""

_CHANGED = ",\n        ".join(
    f"CASE WHEN OLD.{name} IS DISTINCT FROM NEW.{name} THEN '{name}' END"
    for name in (*PLAIN, "metrics_address")
)

TELL_REGISTRATION = """
CREATE FUNCTION tell_registration() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO agent_events (agent_id, kind, became) VALUES (NEW.id, 'registered', NEW.version);
    INSERT INTO agent_told (agent_id, status) VALUES (NEW.id, 'UNKNOWN');
    RETURN NULL;
END $$
"""

# The cause is what a transaction says of itself; where it says nothing, it was the agent.
_CAUSE = "coalesce(nullif(current_setting('pulseguard.cause', true), ''), 'agent')"

TELL_ARRIVAL = f"""
CREATE FUNCTION tell_arrival() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    cause text := {_CAUSE};
BEGIN
    IF OLD.stopped_at IS NULL AND NEW.stopped_at IS NOT NULL THEN
        INSERT INTO agent_events (agent_id, kind) VALUES (NEW.id, 'stopped');
    END IF;
    IF OLD.retired_at IS NULL AND NEW.retired_at IS NOT NULL THEN
        INSERT INTO agent_events (agent_id, kind, detail)
        VALUES (NEW.id, 'retired', jsonb_build_object('cause', cause));
    ELSIF OLD.retired_at IS NOT NULL AND NEW.retired_at IS NULL AND cause = 'operator' THEN
        INSERT INTO agent_events (agent_id, kind) VALUES (NEW.id, 'restored');
        -- Else it would be retired again for having been away so long.
        UPDATE agent_told SET told_at = now() WHERE agent_id = NEW.id;
    ELSIF NEW.retired_at IS NULL AND NEW.stopped_at IS NULL THEN
        INSERT INTO agent_events (agent_id, kind, became) VALUES (NEW.id, 'returned', NEW.version);
    END IF;
    RETURN NULL;
END $$
"""

# A heartbeat sets stopped_at, mostly to what it was: it pays for these comparisons, nothing more.
ARRIVAL_TOLD = """
CREATE TRIGGER arrival_told AFTER UPDATE OF stopped_at, retired_at ON agents FOR EACH ROW
WHEN ((OLD.stopped_at IS NULL, OLD.retired_at IS NULL)
   IS DISTINCT FROM (NEW.stopped_at IS NULL, NEW.retired_at IS NULL))
EXECUTE FUNCTION tell_arrival()
"""

TELL_CHANGE = f"""
CREATE FUNCTION tell_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    cause text := {_CAUSE};
    fields text[] := array_remove(ARRAY[
        {_CHANGED}], NULL);
BEGIN
    IF OLD.version <> NEW.version THEN
        INSERT INTO agent_events (agent_id, kind, was, became, detail) VALUES
            (NEW.id, 'version_changed', OLD.version, NEW.version,
             jsonb_build_object('cause', cause));
    END IF;
    IF fields <> '{{}}' THEN
        INSERT INTO agent_events (agent_id, kind, detail) VALUES
            (NEW.id, 'changed', jsonb_build_object('fields', fields, 'cause', cause));
    END IF;
    RETURN NULL;
END $$
"""

# Triggers fire by the alphabet: an agent returns (`arrival_told`), then it differs.
_TOLD_OF = ("version", *PLAIN, "metrics_address")
CHANGE_TOLD = f"""
CREATE TRIGGER change_told AFTER UPDATE OF {", ".join(_TOLD_OF)} ON agents FOR EACH ROW
WHEN (({", ".join("OLD." + name for name in _TOLD_OF)})
   IS DISTINCT FROM
      ({", ".join("NEW." + name for name in _TOLD_OF)}))
EXECUTE FUNCTION tell_change()
"""

# Maintenance that is over by itself is told by the registry which notices it, and not here again.
TELL_MAINTENANCE = """
CREATE FUNCTION tell_maintenance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_under_way boolean := coalesce(OLD.maintenance_until > now(), false);
    was text := CASE WHEN is_under_way THEN to_json(OLD.maintenance_until) #>> '{}' END;
BEGIN
    IF NEW.maintenance_until IS NOT NULL THEN
        INSERT INTO agent_events (agent_id, kind, was, became, detail) VALUES
            (NEW.id,
             CASE WHEN is_under_way THEN 'maintenance_changed' ELSE 'maintenance_began' END,
             was, to_json(NEW.maintenance_until) #>> '{}',
             jsonb_build_object('reason', NEW.maintenance_reason));
    ELSIF is_under_way THEN
        INSERT INTO agent_events (agent_id, kind, was, detail) VALUES
            (NEW.id, 'maintenance_ended', was,
             jsonb_build_object('reason', OLD.maintenance_reason));
    END IF;
    RETURN NULL;
END $$
"""
MAINTENANCE_TOLD = """
CREATE TRIGGER maintenance_told AFTER UPDATE OF maintenance_until, maintenance_reason ON agents
FOR EACH ROW
WHEN ((OLD.maintenance_until, OLD.maintenance_reason)
   IS DISTINCT FROM (NEW.maintenance_until, NEW.maintenance_reason))
EXECUTE FUNCTION tell_maintenance()
"""

STEPS = (
    COLUMNS,
    EVENTS,
    "CREATE INDEX agent_events_of_agent ON agent_events (agent_id, id)",
    "CREATE INDEX agent_events_at ON agent_events (at)",
    TOLD,
    SCRAPES,
    REPORTS,
    GROW,
    REVISED,
    TELL_REGISTRATION,
    "CREATE TRIGGER registration_told AFTER INSERT ON agents FOR EACH ROW"
    " EXECUTE FUNCTION tell_registration()",
    TELL_ARRIVAL,
    ARRIVAL_TOLD,
    TELL_CHANGE,
    CHANGE_TOLD,
    TELL_MAINTENANCE,
    MAINTENANCE_TOLD,
)
TRIGGERS = {
    "revised": "grow_revision",
    "registration_told": "tell_registration",
    "arrival_told": "tell_arrival",
    "change_told": "tell_change",
    "maintenance_told": "tell_maintenance",
}
COLUMN_NAMES = ("revision", "operator_set", "maintenance_until", "maintenance_reason")


def upgrade() -> None:
    """Add the columns, the tables, and the triggers that no path around them can forget."""
    for step in STEPS:
        op.execute(step)


def downgrade() -> None:
    """Remove them, and the events with them; agents stay as they are."""
    for trigger, function in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {trigger} ON agents")
        op.execute(f"DROP FUNCTION {function}()")
    op.execute("DROP TABLE agent_events, agent_told, agent_scrapes, scrape_reports")
    op.execute(f"ALTER TABLE agents {', '.join('DROP COLUMN ' + name for name in COLUMN_NAMES)}")
