"""Agents, their snapshots, the keys, and the versions that tell the processes of a change."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
lost = "all agents with their snapshots, and all keys"

AGENTS = """
CREATE TABLE agents (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    instance text NOT NULL CHECK (instance <> ''),
    environment text NOT NULL CHECK (environment <> ''),
    team text NOT NULL DEFAULT '',
    type text NOT NULL CHECK (type IN ('LLM_AGENT', 'TASK_AGENT', 'API_AGENT', 'MONITOR_AGENT',
                                       'DATA_AGENT', 'CUSTOM')),
    version text NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    deployment_type text NOT NULL CHECK (deployment_type IN ('DOCKER', 'KUBERNETES', 'LOCAL',
                                                             'CLOUD', 'SERVERLESS')),
    host text NOT NULL DEFAULT '',
    tags text[] NOT NULL DEFAULT '{}',
    labels jsonb NOT NULL DEFAULT '{}',
    config jsonb NOT NULL DEFAULT '{}',
    metrics_address text,
    state text NOT NULL DEFAULT 'idle' CHECK (state IN ('idle', 'working', 'waiting', 'stuck',
                                                        'draining', 'failed')),
    registered_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz,
    stopped_at timestamptz,
    retired_at timestamptz,
    UNIQUE (environment, name, instance)
) WITH (fillfactor = 70)
"""

# The range partitions are made at run time; what falls outside of them is caught by the default.
AI_METRICS = """
CREATE TABLE ai_metrics (
    agent_id uuid NOT NULL,
    taken_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    interval_seconds double precision NOT NULL CHECK (interval_seconds > 0),
    model_inference_time_ms double precision,
    model_inference_time_p95_ms double precision,
    model_accuracy double precision CHECK (model_accuracy BETWEEN 0 AND 1),
    confidence_score double precision CHECK (confidence_score BETWEEN 0 AND 1),
    tokens_processed bigint NOT NULL CHECK (tokens_processed >= 0),
    tokens_per_second double precision,
    context_length bigint,
    api_calls_made bigint NOT NULL CHECK (api_calls_made >= 0),
    api_call_latency_ms double precision,
    api_call_latency_p95_ms double precision,
    model_calls bigint NOT NULL CHECK (model_calls >= 0),
    tokens_input bigint NOT NULL CHECK (tokens_input >= 0),
    tokens_cache_read bigint NOT NULL CHECK (tokens_cache_read >= 0),
    tokens_cache_write bigint NOT NULL CHECK (tokens_cache_write >= 0),
    tokens_output bigint NOT NULL CHECK (tokens_output >= 0),
    tokens_reasoning bigint NOT NULL CHECK (tokens_reasoning >= 0),
    model_errors jsonb NOT NULL DEFAULT '{}',
    tasks_completed bigint NOT NULL CHECK (tasks_completed >= 0),
    tasks_failed bigint NOT NULL CHECK (tasks_failed >= 0),
    tasks_pending bigint,
    PRIMARY KEY (agent_id, taken_at)
) PARTITION BY RANGE (taken_at)
"""

API_KEYS = """
CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    role text NOT NULL CHECK (role IN ('agent', 'prometheus', 'viewer', 'editor', 'admin')),
    environment text,
    team text,
    digest bytea NOT NULL UNIQUE,
    pepper_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    CHECK (role <> 'agent' OR environment IS NOT NULL),
    CHECK (team IS NULL OR environment IS NOT NULL)
)
"""

VERSIONS = """
CREATE TABLE versions (name text PRIMARY KEY, value bigint NOT NULL)
"""

# The id of the writing transaction, not a count: however many rows a transaction changes, the
# version is written once. Readers only ask whether it differs from the one they know.
BUMP = """
CREATE FUNCTION bump_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE versions SET value = pg_current_xact_id()::text::bigint
     WHERE name = TG_ARGV[0] AND value <> pg_current_xact_id()::text::bigint;
    RETURN NULL;
END $$
"""

# A heartbeat changes neither of these columns, so it does not even call the function.
TARGETS_CHANGED = """
CREATE TRIGGER targets_changed AFTER UPDATE ON agents FOR EACH ROW
WHEN ((OLD.stopped_at IS NULL, OLD.retired_at IS NULL, OLD.metrics_address, OLD.name, OLD.instance,
       OLD.environment, OLD.team, OLD.type, OLD.labels)
   IS DISTINCT FROM
      (NEW.stopped_at IS NULL, NEW.retired_at IS NULL, NEW.metrics_address, NEW.name, NEW.instance,
       NEW.environment, NEW.team, NEW.type, NEW.labels))
EXECUTE FUNCTION bump_version('targets')
"""

STEPS = (
    AGENTS,
    AI_METRICS,
    "CREATE TABLE ai_metrics_default PARTITION OF ai_metrics DEFAULT",
    API_KEYS,
    VERSIONS,
    "INSERT INTO versions VALUES ('targets', 0), ('keys', 0)",
    BUMP,
    TARGETS_CHANGED,
    "CREATE TRIGGER targets_added AFTER INSERT OR DELETE ON agents FOR EACH STATEMENT"
    " EXECUTE FUNCTION bump_version('targets')",
    "CREATE TRIGGER keys_changed AFTER INSERT OR UPDATE OR DELETE ON api_keys FOR EACH STATEMENT"
    " EXECUTE FUNCTION bump_version('keys')",
)


def upgrade() -> None:
    """Make the tables."""
    for step in STEPS:
        op.execute(step)


def downgrade() -> None:
    """Remove them; a database goes back to empty."""
    for table in ("ai_metrics", "agents", "api_keys", "versions"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION bump_version()")
