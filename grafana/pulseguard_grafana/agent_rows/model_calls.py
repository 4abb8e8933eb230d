"""How do its model calls go: latency, speed, tokens, cost, context."""

from __future__ import annotations

from collections.abc import Sequence

from pulseguard_grafana.panels import Panel, Query, heatmap, line, quantile_lines, stacked
from pulseguard_grafana.panels.colours import TOKEN_KINDS
from pulseguard_grafana.scope import AGENT

_RATE = "[$__rate_interval]"
_SELECTOR = f"{{{AGENT}}}"
_CALLS = "gen_ai_client_operation_duration_seconds"
_FIRST = "gen_ai_client_operation_time_to_first_chunk_seconds"
_MODEL = "{{gen_ai_request_model}}"

LATENCY: Sequence[Panel] = [
    quantile_lines(
        "Latency",
        "How long model calls took, failed ones among them; a quantile is as exact as the buckets."
        " Reads `gen_ai_client_operation_duration_seconds`.",
        _CALLS,
        _SELECTOR,
        unit="s",
        no_data="No model call, or not reached",
    ).sized(12),
    heatmap(
        "Latency, distribution",
        "How many model calls a second took how long. Reads"
        " `gen_ai_client_operation_duration_seconds`.",
        _CALLS,
        _SELECTOR,
        unit="s",
        no_data="No model call, or not reached",
    ).sized(12),
    quantile_lines(
        "Time to first token",
        "How long streamed calls waited for the first piece of the answer. Reads"
        " `gen_ai_client_operation_time_to_first_chunk_seconds`.",
        _FIRST,
        _SELECTOR,
        unit="s",
        no_data="No streamed call, or not reached",
    ).sized(12),
    heatmap(
        "Time to first token, distribution",
        "How many streamed calls a second waited how long for the first piece of the answer. Reads"
        " `gen_ai_client_operation_time_to_first_chunk_seconds`.",
        _FIRST,
        _SELECTOR,
        unit="s",
        no_data="No streamed call, or not reached",
    ).sized(12),
]

CALLS: Sequence[Panel] = [
    line(
        "Model calls",
        "Calls a second, of each model. Reads `gen_ai_client_operation_duration_seconds`.",
        Query(f"sum by (gen_ai_request_model) (rate({_CALLS}_count{_SELECTOR}{_RATE}))", _MODEL),
        unit="ops",
        no_data="No model call, or not reached",
        many=True,
    ),
    line(
        "Speed of generation",
        "Output tokens a second of a call, a mean, of each model. Reads"
        " `pulseguard_output_tokens_per_second`.",
        Query(
            "sum by (gen_ai_request_model)"
            f" (rate(pulseguard_output_tokens_per_second_sum{_SELECTOR}{_RATE}))"
            " / (sum by (gen_ai_request_model)"
            f" (rate(pulseguard_output_tokens_per_second_count{_SELECTOR}{_RATE})) > 0)",
            _MODEL,
        ),
        unit="suffix: tok/s",
        no_data="No output, or not reached",
        many=True,
    ),
    stacked(
        "Calls to other services",
        "Outbound calls a second that the agent counts, by address and class of status. Reads"
        " `http_client_request_duration_seconds`.",
        Query(
            "sum by (server_address, http_response_status_code)"
            f" (rate(http_client_request_duration_seconds_count{_SELECTOR}{_RATE}))",
            "{{server_address}} {{http_response_status_code}}",
        ),
        unit="ops",
        no_data="No outbound call was counted, or not reached",
        many=True,
    ),
]

TOKENS: Sequence[Panel] = [
    stacked(
        "Tokens by kind",
        "Tokens a second; the kinds are disjoint, so the height is all of them. Reads"
        " `pulseguard_tokens_total`.",
        Query(
            f"sum by (gen_ai_token_type) (rate(pulseguard_tokens_total{_SELECTOR}{_RATE}))",
            "{{gen_ai_token_type}}",
        ),
        unit="suffix: tok/s",
        no_data="No tokens were told",
        colours=TOKEN_KINDS,
    ).sized(6),
    stacked(
        "Spend per hour by model",
        "Cost of tokens at list prices. Reads `pulseguard_cost_usd_total`.",
        Query(
            "3600 * sum by (gen_ai_request_model)"
            f" (rate(pulseguard_cost_usd_total{_SELECTOR}{_RATE}))",
            _MODEL,
        ),
        unit="currencyUSD",
        no_data="Nothing was priced, or not reached",
        many=True,
    ).sized(6),
    stacked(
        "Unpriced tokens",
        "Tokens a second that are in no cost, by reason. Reads `pulseguard_unpriced_tokens_total`.",
        Query(
            f"sum by (reason) (rate(pulseguard_unpriced_tokens_total{_SELECTOR}{_RATE})) > 0",
            "{{reason}}",
        ),
        unit="suffix: tok/s",
        no_data="All tokens are priced, or not reached",
    )
    .sized(6)
    .well_empty(),
    line(
        "Calls without usage",
        "Calls a second that were answered and whose tokens nobody told, of each model: they are in"
        " no count of tokens. Reads `pulseguard_calls_without_usage_total`.",
        Query(
            "sum by (gen_ai_request_model)"
            f" (rate(pulseguard_calls_without_usage_total{_SELECTOR}{_RATE})) > 0",
            _MODEL,
        ),
        unit="ops",
        no_data="All calls told their tokens, or not reached",
        many=True,
    )
    .sized(6)
    .well_empty(),
]

CONTEXT: Sequence[Panel] = [
    line(
        "Context window used",
        "Share of a model's context window that a call used, a mean and the largest bucket that"
        " one call in 20 exceeds. Reads `pulseguard_context_window_used_ratio`.",
        Query(
            "histogram_quantile(0.95, sum by (le, gen_ai_request_model)"
            f" (rate(pulseguard_context_window_used_ratio_bucket{_SELECTOR}{_RATE}))) >= 0",
            f"p95 {_MODEL}",
        ),
        Query(
            "sum by (gen_ai_request_model)"
            f" (rate(pulseguard_context_window_used_ratio_sum{_SELECTOR}{_RATE}))"
            " / (sum by (gen_ai_request_model)"
            f" (rate(pulseguard_context_window_used_ratio_count{_SELECTOR}{_RATE})) > 0)",
            f"mean {_MODEL}",
        ),
        unit="percentunit",
        no_data="No context window is known, or not reached",
        share=True,
        many=True,
    ).sized(12),
    line(
        "Context",
        "Tokens in the context of the latest call, of several agents the longest, and how many the"
        " model takes. Reads `pulseguard_context_tokens` and"
        " `pulseguard_context_window_limit_tokens`.",
        Query(f"max by (gen_ai_request_model) (pulseguard_context_tokens{_SELECTOR})", _MODEL),
        Query(
            f"max by (gen_ai_request_model) (pulseguard_context_window_limit_tokens{_SELECTOR})",
            f"limit {_MODEL}",
        ),
        unit="short",
        no_data="No context was told",
        many=True,
    ).sized(12),
]
