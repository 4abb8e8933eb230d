"""The metrics of what leaves the agent: model calls, tools and outbound HTTP."""

from typing import Final

from pulseguard.catalog.metric import (
    LABEL_ERROR_TYPE,
    LABEL_HTTP_METHOD,
    LABEL_HTTP_STATUS,
    LABEL_MODEL,
    LABEL_OPERATION,
    LABEL_PROVIDER,
    LABEL_REASON,
    LABEL_SERVER_ADDRESS,
    LABEL_SOURCE,
    LABEL_TOKEN_TYPE,
    LABEL_TOOL_NAME,
    LABEL_TOOL_TYPE,
    RATIO_BUCKETS,
    Metric,
)

_GENAI_SECONDS = (
    *(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64),
    *(1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
)
# Fine where model calls usually end, so that a lean p95 is off by less than one doubling.
_LEAN_CALL_SECONDS = (0.32, 1.28, 2.56, 5.12, 10.24, 40.96)
_LEAN_FIRST_CHUNK_SECONDS = (0.16, 0.32, 0.64, 1.28, 2.56, 10.24)
_HTTP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_LEAN_HTTP_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 5)
_TOKEN_SECONDS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5)
_SPEEDS = (5, 10, 20, 50, 100, 200, 500)

OPERATION_DURATION: Final = Metric(
    "gen_ai_client_operation_duration_seconds",
    "histogram",
    "Duration of model calls; error_type is empty, or _OTHER for every failure. One that the "
    "caller gave up has not failed, and lasted until then.",
    (LABEL_OPERATION, LABEL_PROVIDER, LABEL_MODEL, LABEL_ERROR_TYPE),
    "seconds",
    _GENAI_SECONDS,
    _LEAN_CALL_SECONDS,
    max_label_sets=12,
)
TIME_TO_FIRST_CHUNK: Final = Metric(
    "gen_ai_client_operation_time_to_first_chunk_seconds",
    "histogram",
    "Time from the start of a streamed model call to its first chunk.",
    (LABEL_OPERATION, LABEL_PROVIDER, LABEL_MODEL),
    "seconds",
    _GENAI_SECONDS,
    _LEAN_FIRST_CHUNK_SECONDS,
    max_label_sets=6,
)
TIME_PER_OUTPUT_TOKEN: Final = Metric(
    "pulseguard_time_per_output_token_seconds",
    "histogram",
    "Mean time per output token after the first, one value per finished stream.",
    (LABEL_PROVIDER, LABEL_MODEL),
    "seconds",
    _TOKEN_SECONDS,
    max_label_sets=6,
)
OUTPUT_TOKENS_PER_SECOND: Final = Metric(
    "pulseguard_output_tokens_per_second",
    "histogram",
    "Generation speed, one value per finished call.",
    (LABEL_MODEL,),
    "tokens per second",
    _SPEEDS,
    max_label_sets=6,
)
TOKENS: Final = Metric(
    "pulseguard_tokens_total",
    "counter",
    "Tokens by kind; the kinds are disjoint, so every sum over them is true.",
    (LABEL_PROVIDER, LABEL_MODEL, LABEL_TOKEN_TYPE),
    "tokens",
    max_label_sets=60,
    # Its cost, or that it has none.
    derived_series=1,
)
CALLS_WITHOUT_USAGE: Final = Metric(
    "pulseguard_calls_without_usage_total",
    "counter",
    "Model calls that were answered and whose token counts nobody told: they are in no token sum.",
    (LABEL_PROVIDER, LABEL_MODEL),
    max_label_sets=12,
)
CALLS_IN_PROGRESS: Final = Metric(
    "pulseguard_calls_in_progress", "gauge", "Model calls that have begun and not ended."
)
CONTEXT_WINDOW_USED: Final = Metric(
    "pulseguard_context_window_used_ratio",
    "histogram",
    "Share of the context window that a call used, 0 to 1.",
    (LABEL_MODEL,),
    "ratio",
    RATIO_BUCKETS,
    max_label_sets=6,
)
CONTEXT_TOKENS: Final = Metric(
    "pulseguard_context_tokens",
    "gauge",
    "Tokens in the context of the latest call.",
    (LABEL_MODEL,),
    "tokens",
    max_label_sets=6,
    # What is worked out of it where the window is known: its size, and the share used.
    derived_series=len(RATIO_BUCKETS) + 4,
)
CONTEXT_WINDOW_LIMIT: Final = Metric(
    "pulseguard_context_window_limit_tokens",
    "gauge",
    "Size of the model's context window.",
    (LABEL_MODEL,),
    "tokens",
    max_label_sets=6,
)
EXECUTE_TOOL_DURATION: Final = Metric(
    "gen_ai_execute_tool_duration_seconds",
    "histogram",
    "Duration of tool executions; count and sum alone in the lean profile.",
    (LABEL_TOOL_NAME, LABEL_TOOL_TYPE, LABEL_ERROR_TYPE),
    "seconds",
    _GENAI_SECONDS,
    (),
    max_label_sets=44,
)
HTTP_CLIENT_DURATION: Final = Metric(
    "http_client_request_duration_seconds",
    "histogram",
    "Duration of outbound HTTP calls; the status is its class (2xx), empty without an answer.",
    (LABEL_SERVER_ADDRESS, LABEL_HTTP_METHOD, LABEL_HTTP_STATUS),
    "seconds",
    _HTTP_SECONDS,
    _LEAN_HTTP_SECONDS,
    max_label_sets=8,
)
ERRORS: Final = Metric(
    "pulseguard_errors_total",
    "counter",
    "Failures by type and source; chat stands for every model call.",
    (LABEL_ERROR_TYPE, LABEL_SOURCE),
)
RETRIES: Final = Metric(
    "pulseguard_retries_total",
    "counter",
    "Repeated attempts of model calls, as instrumented clients (when the call ends) and blocks by "
    "hand tell them; spans do not.",
    (LABEL_REASON,),
)

CALL_METRICS: Final[tuple[Metric, ...]] = (
    OPERATION_DURATION,
    TIME_TO_FIRST_CHUNK,
    TIME_PER_OUTPUT_TOKEN,
    OUTPUT_TOKENS_PER_SECOND,
    TOKENS,
    CALLS_WITHOUT_USAGE,
    CALLS_IN_PROGRESS,
    CONTEXT_WINDOW_USED,
    CONTEXT_TOKENS,
    CONTEXT_WINDOW_LIMIT,
    EXECUTE_TOOL_DURATION,
    HTTP_CLIENT_DURATION,
    ERRORS,
    RETRIES,
)
