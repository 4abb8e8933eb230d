"""The metrics of larger agents: the logical agents and workflows within one, and MCP servers.

Names and bounds: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/ and
https://opentelemetry.io/docs/specs/semconv/gen-ai/mcp/.
"""

from typing import Final

from pulseguard.catalog.metric import (
    LABEL_ERROR_TYPE,
    LABEL_LOGICAL_AGENT,
    LABEL_MCP_METHOD,
    LABEL_OUTCOME,
    LABEL_SERVER_ADDRESS,
    LABEL_TOOL_NAME,
    LABEL_WORKFLOW,
    Metric,
)

_INVOCATION_SECONDS = (
    *(0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4),
    *(12.8, 25.6, 51.2, 102.4, 204.8, 409.6),
)
_LEAN_INVOCATION_SECONDS = (0.4, 1.6, 6.4, 25.6, 102.4, 409.6)
_CALLS = (1, 2, 4, 8, 16, 32, 64, 128)
_WORKFLOW_SECONDS = (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)
_MCP_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)

INVOKE_AGENT_DURATION: Final = Metric(
    "gen_ai_invoke_agent_duration_seconds",
    "histogram",
    "Duration of invocations of a logical agent.",
    (LABEL_LOGICAL_AGENT, LABEL_ERROR_TYPE),
    "seconds",
    _INVOCATION_SECONDS,
    _LEAN_INVOCATION_SECONDS,
    max_label_sets=10,
    optional=True,
)
INVOKE_AGENT_INFERENCE_CALLS: Final = Metric(
    "gen_ai_invoke_agent_inference_calls",
    "histogram",
    "Model calls of one invocation of a logical agent, without those of the agents it invoked.",
    (LABEL_LOGICAL_AGENT,),
    "calls",
    _CALLS,
    (),
    max_label_sets=10,
    optional=True,
)
INVOKE_AGENT_TOOL_CALLS: Final = Metric(
    "gen_ai_invoke_agent_tool_calls",
    "histogram",
    "Tools used in one invocation of a logical agent, without those of the agents it invoked.",
    (LABEL_LOGICAL_AGENT,),
    "calls",
    _CALLS,
    (),
    max_label_sets=10,
    optional=True,
)
INVOKE_WORKFLOW_DURATION: Final = Metric(
    "gen_ai_invoke_workflow_duration_seconds",
    "histogram",
    "Duration of workflows; count and sum alone in the lean profile.",
    (LABEL_WORKFLOW, LABEL_ERROR_TYPE),
    "seconds",
    _WORKFLOW_SECONDS,
    (),
    max_label_sets=6,
    optional=True,
)
MCP_OPERATION_DURATION: Final = Metric(
    "mcp_client_operation_duration_seconds",
    "histogram",
    "Duration of requests to MCP servers; count and sum alone in the lean profile.",
    (LABEL_MCP_METHOD, LABEL_SERVER_ADDRESS, LABEL_ERROR_TYPE),
    "seconds",
    _MCP_SECONDS,
    (),
    max_label_sets=18,
    optional=True,
)
MCP_SESSION_DURATION: Final = Metric(
    "mcp_client_session_duration_seconds",
    "histogram",
    "Duration of sessions with MCP servers; count and sum alone in the lean profile.",
    (LABEL_SERVER_ADDRESS, LABEL_ERROR_TYPE),
    "seconds",
    _MCP_SECONDS,
    (),
    max_label_sets=6,
    optional=True,
)
MCP_TOOL_CALLS: Final = Metric(
    "pulseguard_mcp_tool_calls_total",
    "counter",
    "Tools called on MCP servers, by outcome: completed, failed, cancelled.",
    (LABEL_SERVER_ADDRESS, LABEL_TOOL_NAME, LABEL_OUTCOME),
    max_label_sets=60,
    optional=True,
)

ORCHESTRATION_METRICS: Final[tuple[Metric, ...]] = (
    INVOKE_AGENT_DURATION,
    INVOKE_AGENT_INFERENCE_CALLS,
    INVOKE_AGENT_TOOL_CALLS,
    INVOKE_WORKFLOW_DURATION,
    MCP_OPERATION_DURATION,
    MCP_SESSION_DURATION,
    MCP_TOOL_CALLS,
)
