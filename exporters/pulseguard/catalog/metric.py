"""What the catalogue is made of: the shape of a metric, the label names, the bounded values."""

from typing import Final, Literal, NamedTuple

MetricType = Literal["counter", "gauge", "histogram"]
Detail = Literal["lean", "standard"]

TokenKind = Literal["input", "cache_read", "cache_write", "output", "reasoning"]
ErrorType = Literal[
    "timeout",
    "rate_limit",
    "auth",
    "context_length",
    "content_filter",
    "server_error",
    "network",
    "_OTHER",
]
ErrorSource = Literal["chat", "tool", "task", "api", "mcp", "agent"]
TaskOutcome = Literal["completed", "failed", "cancelled", "timeout"]
AgentState = Literal["idle", "working", "waiting", "stuck", "draining", "failed"]
ToolType = Literal["function", "extension", "datastore"]
UnpricedReason = Literal["no_provider", "unknown_model", "no_price", "_OTHER"]
GuardrailAction = Literal["block", "redact", "warn", "allow", "_OTHER"]
InterventionKind = Literal["approval", "correction", "takeover", "_OTHER"]
LoopSignal = Literal["repeat_call", "no_progress", "token_velocity", "_OTHER"]
WaitingReason = Literal["human", "rate_limit", "service", "_OTHER"]
RegistryOutcome = Literal["ok", "refused", "unavailable", "unreachable"]

# OpenTelemetry's own fallback value: everything that has no room or no name of its own.
OTHER: Final = "_OTHER"

TOKEN_KINDS: Final[tuple[TokenKind, ...]] = (
    "input",
    "cache_read",
    "cache_write",
    "output",
    "reasoning",
)
ERROR_TYPES: Final[tuple[ErrorType, ...]] = (
    "timeout",
    "rate_limit",
    "auth",
    "context_length",
    "content_filter",
    "server_error",
    "network",
    "_OTHER",
)
ERROR_SOURCES: Final[tuple[ErrorSource, ...]] = ("chat", "tool", "task", "api", "mcp", "agent")
TASK_OUTCOMES: Final[tuple[TaskOutcome, ...]] = ("completed", "failed", "cancelled", "timeout")
AGENT_STATES: Final[tuple[AgentState, ...]] = (
    "idle",
    "working",
    "waiting",
    "stuck",
    "draining",
    "failed",
)
TOOL_TYPES: Final[tuple[ToolType, ...]] = ("function", "extension", "datastore")
GUARDRAIL_ACTIONS: Final[tuple[GuardrailAction, ...]] = (
    "block",
    "redact",
    "warn",
    "allow",
    "_OTHER",
)
INTERVENTION_KINDS: Final[tuple[InterventionKind, ...]] = (
    "approval",
    "correction",
    "takeover",
    "_OTHER",
)
LOOP_SIGNALS: Final[tuple[LoopSignal, ...]] = (
    "repeat_call",
    "no_progress",
    "token_velocity",
    "_OTHER",
)
WAITING_REASONS: Final[tuple[WaitingReason, ...]] = ("human", "rate_limit", "service", "_OTHER")
REGISTRY_OUTCOMES: Final[tuple[RegistryOutcome, ...]] = (
    "ok",
    "refused",
    "unavailable",
    "unreachable",
)

ACCURACY: Final = "accuracy"
CONFIDENCE: Final = "confidence"

LABEL_OPERATION: Final = "gen_ai_operation_name"
LABEL_PROVIDER: Final = "gen_ai_provider_name"
LABEL_MODEL: Final = "gen_ai_request_model"
LABEL_TOKEN_TYPE: Final = "gen_ai_token_type"
LABEL_ERROR_TYPE: Final = "error_type"
LABEL_TOOL_NAME: Final = "gen_ai_tool_name"
LABEL_TOOL_TYPE: Final = "gen_ai_tool_type"
LABEL_EVALUATION: Final = "gen_ai_evaluation_name"
LABEL_SERVER_ADDRESS: Final = "server_address"
LABEL_HTTP_METHOD: Final = "http_request_method"
LABEL_HTTP_STATUS: Final = "http_response_status_code"
LABEL_OUTCOME: Final = "outcome"
LABEL_SOURCE: Final = "source"
LABEL_REASON: Final = "reason"
LABEL_STATE: Final = "state"
LABEL_GUARDRAIL: Final = "guardrail"
LABEL_ACTION: Final = "action"
LABEL_KIND: Final = "kind"
LABEL_SIGNAL: Final = "signal"
LABEL_LOGICAL_AGENT: Final = "gen_ai_agent_name"
LABEL_WORKFLOW: Final = "gen_ai_workflow_name"
LABEL_MCP_METHOD: Final = "mcp_method_name"
LABEL_METRIC: Final = "metric"
LABEL_EXPORTER_OPERATION: Final = "operation"
LABEL_AGENT_VERSION: Final = "agent_version"
LABEL_FRAMEWORK: Final = "framework"
LABEL_EXPORTER_VERSION: Final = "exporter_version"
LABEL_CONFIG_HASH: Final = "config_hash"
LABEL_SEMCONV: Final = "semconv"

LABEL_AGENT_ID: Final = "agent_id"
LABEL_AGENT: Final = "agent"
LABEL_INSTANCE: Final = "instance"
LABEL_AGENT_TYPE: Final = "agent_type"
LABEL_ENVIRONMENT: Final = "environment"
LABEL_TEAM: Final = "team"
LABEL_STATUS: Final = "status"
LABEL_METHOD: Final = "method"
LABEL_ROUTE: Final = "route"
LABEL_CODE: Final = "code"


RATIO_BUCKETS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)


class Metric(NamedTuple):
    """One metric: everything that is ever said about it.

    `name` is the name on the wire, counters with their `_total`. `unit` is the base unit, empty
    for a plain number. `lean_buckets` is what the lean profile keeps of a histogram: None the
    buckets of the table, six bounds, or an empty tuple for count and sum alone.
    `max_label_sets` is the number of label sets that an agent keeps apart; 0 where the values
    themselves are bounded. `derived_series` is how many more are worked out of each label set when
    it is read: room for them is taken together with it. `always` are those of them whose room is
    kept for them, whoever comes first. `optional` is what few agents have: room for its
    `_OTHER` series is taken when it is first recorded.
    """

    name: str
    type: MetricType
    help: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    buckets: tuple[float, ...] = ()
    lean_buckets: tuple[float, ...] | None = None
    max_label_sets: int = 0
    derived_series: int = 0
    always: tuple[tuple[str, ...], ...] = ()
    optional: bool = False

    def bounds(self, detail: Detail) -> tuple[float, ...]:
        """The finite upper bounds in this profile; empty for count and sum alone."""
        if detail == "standard" or self.lean_buckets is None:
            return self.buckets
        return self.lean_buckets

    def samples(self, detail: Detail) -> int:
        """How many samples one label set has: one, or buckets with +Inf, count and sum."""
        if self.type != "histogram":
            return 1
        bounds = self.bounds(detail)
        return len(bounds) + 3 if bounds else 2

    def series_per_label_set(self, detail: Detail) -> int:
        """How many series one label set costs: its samples, and what is derived of it."""
        return self.samples(detail) + self.derived_series
