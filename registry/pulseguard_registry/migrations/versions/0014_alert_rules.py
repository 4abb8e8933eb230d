"""Alert rules as data: groups, their rules, every revision of them, and what each Prometheus has
loaded."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None
lost = "all rule groups and rules, their revisions, and what each Prometheus has loaded of them"

# `content` is the file that Prometheus reads; null where there is nothing to read: the group is
# disabled, or has no rule that is enabled. `version` is that of the bundle since the last change.
# `shared_revision` is that with which changed last what all rules of the group have of it.
RULE_GROUPS = """
CREATE TABLE rule_groups (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name <> ''),
    interval text,
    result_limit integer NOT NULL DEFAULT 0 CHECK (result_limit >= 0),
    labels jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(labels) = 'object'),
    owner text NOT NULL DEFAULT '',
    enabled boolean NOT NULL DEFAULT true,
    revision bigint NOT NULL CHECK (revision > 0),
    shared_revision bigint NOT NULL DEFAULT 1 CHECK (shared_revision BETWEEN 1 AND revision),
    version bigint NOT NULL,
    content text CHECK (content <> ''),
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    CHECK (enabled OR content IS NULL)
)
"""

# `revision` is that of the group with which the rule changed last. Places and names are exchanged
# within a transaction, so both are looked at when it ends; labels are compared by their digest,
# for they are longer than what an index takes.
ALERT_RULES = """
CREATE TABLE alert_rules (
    id uuid PRIMARY KEY,
    group_id uuid NOT NULL REFERENCES rule_groups ON DELETE CASCADE,
    position integer NOT NULL CHECK (position >= 0),
    kind text NOT NULL CHECK (kind IN ('alert', 'record')),
    name text NOT NULL CHECK (name <> ''),
    expr text NOT NULL CHECK (expr <> ''),
    pending text,
    keep_firing_for text,
    labels jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(labels) = 'object'),
    annotations jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(annotations) = 'object'),
    enabled boolean NOT NULL DEFAULT true,
    revision bigint NOT NULL CHECK (revision > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    CHECK (kind = 'alert'
           OR pending IS NULL AND keep_firing_for IS NULL AND annotations = '{}'),
    CONSTRAINT alert_rules_position UNIQUE (group_id, position) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT alert_rules_once EXCLUDE USING btree
        (group_id WITH =, kind WITH =, name WITH =, md5(labels::text) WITH =)
        DEFERRABLE INITIALLY DEFERRED
)
"""

# They outlive their group, which can be brought back from them: so the group is only named. The
# document is null where the group was deleted.
RULE_REVISIONS = """
CREATE TABLE rule_revisions (
    group_id uuid NOT NULL,
    number bigint NOT NULL CHECK (number > 0),
    at timestamptz NOT NULL DEFAULT now(),
    author text NOT NULL,
    author_id uuid,
    message text NOT NULL,
    action text NOT NULL CHECK (action IN
        ('created', 'changed', 'enabled', 'disabled', 'rolled_back', 'deleted')),
    document jsonb CHECK (jsonb_typeof(document) = 'object'),
    diff text NOT NULL,
    changes jsonb NOT NULL CHECK (jsonb_typeof(changes) = 'array'),
    rules uuid[] NOT NULL,
    PRIMARY KEY (group_id, number),
    CHECK ((document IS NULL) = (action = 'deleted'))
)
"""

# One row for each Prometheus, replaced as a whole: by the id of a group, what is loaded of it. It
# has been told without a gap since `told_since`: what was changed before was not pending there.
RULE_SYNCS = """
CREATE TABLE rule_syncs (
    prometheus text PRIMARY KEY CHECK (prometheus <> ''),
    told_at timestamptz NOT NULL DEFAULT now(),
    told_since timestamptz NOT NULL DEFAULT now(),
    version bigint NOT NULL CHECK (version >= 0),
    trouble text NOT NULL,
    loads jsonb NOT NULL CHECK (jsonb_typeof(loads) = 'object')
)
"""

# One more with each change of a group: unlike the id of a transaction it never falls, whichever of
# two is committed first, for the row of the version is locked until then.
NEXT_VERSION = """
CREATE FUNCTION next_rules_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    next bigint;
BEGIN
    UPDATE versions SET value = value + 1 WHERE name = 'rules' RETURNING value INTO next;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    NEW.version := next;
    RETURN NEW;
END $$
"""

STEPS = (
    RULE_GROUPS,
    ALERT_RULES,
    RULE_REVISIONS,
    "CREATE INDEX rule_revisions_of_rule ON rule_revisions USING gin (rules)",
    RULE_SYNCS,
    "INSERT INTO versions VALUES ('rules', 0)",
    NEXT_VERSION,
    "CREATE TRIGGER version_rises BEFORE INSERT OR UPDATE OR DELETE ON rule_groups FOR EACH ROW"
    " EXECUTE FUNCTION next_rules_version()",
)

STEPS_DOWN = (
    "DROP TABLE alert_rules",
    "DROP TABLE rule_groups",
    "DROP TABLE rule_revisions",
    "DROP TABLE rule_syncs",
    "DROP FUNCTION next_rules_version()",
    "DELETE FROM versions WHERE name = 'rules'",
)


def upgrade() -> None:
    """Make the tables, and the trigger that no change of a group can forget."""
    for step in STEPS:
        op.execute(step)


def downgrade() -> None:
    """Remove them: Prometheus keeps the files that it has."""
    for step in STEPS_DOWN:
        op.execute(step)
