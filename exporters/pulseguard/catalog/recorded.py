"""The names that the shipped rules record: `prometheus/rules` says how."""

from typing import Final

INFERENCE_TIME_MS_MEAN: Final = "pulseguard:agent_model_inference_time_ms:mean5m"
INFERENCE_TIME_MS_P95: Final = "pulseguard:agent_model_inference_time_ms:p95_5m"
ACCURACY_MEAN: Final = "pulseguard:agent_model_accuracy:mean5m"
CONFIDENCE_MEAN: Final = "pulseguard:agent_confidence_score:mean5m"
TOKENS_PROCESSED_RATE: Final = "pulseguard:agent_tokens_processed:rate5m"
TOKENS_PER_SECOND_MEAN: Final = "pulseguard:agent_tokens_per_second:mean5m"
CONTEXT_LENGTH_MAX: Final = "pulseguard:agent_context_length:max"
API_CALLS_RATE: Final = "pulseguard:agent_api_calls_made:rate5m"
API_CALL_LATENCY_MS_MEAN: Final = "pulseguard:agent_api_call_latency_ms:mean5m"
COST_PER_HOUR_MEAN: Final = "pulseguard:agent_cost_usd_per_hour:mean15m"
COST_PER_HOUR_OF_DAY: Final = "pulseguard:agent_cost_usd_per_hour:mean1d"
MODEL_OUTCOMES_RATE: Final = "pulseguard:agent_model_outcomes:rate5m"
MODEL_CALLS_RATE: Final = "pulseguard:agent_model_calls:rate5m"
MODEL_FAILURES_RATE: Final = "pulseguard:agent_model_failures:rate5m"
MODEL_FAILURES_RATIO: Final = "pulseguard:agent_model_failures:ratio5m"
AGENT_COST_SUM: Final = "pulseguard:agent_cost_usd:sum"
AGENT_TROUBLE_RANK: Final = "pulseguard:agent_trouble:rank"
TASKS_ENDED_RATE: Final = "pulseguard:agent_tasks_ended:rate5m"
TASK_SUCCESS_RATIO: Final = "pulseguard:agent_task_success:ratio5m"
ACCURACY_MEAN_OF_HALF_HOUR: Final = "pulseguard:agent_model_accuracy:mean30m"
ACCURACY_MEAN_OF_DAY: Final = "pulseguard:agent_model_accuracy:mean1d"
TASK_COST_MEAN: Final = "pulseguard:agent_task_cost_usd:mean1h"

# Of a team, summed over agents.
OF_TEAM_TASK_COST_PER_HOUR: Final = "pulseguard:team_task_cost_usd_per_hour:mean15m"
OF_TEAM_PRICED_TASKS_RATE: Final = "pulseguard:team_priced_tasks:rate5m"
OF_TEAM_TOKENS_RATE: Final = "pulseguard:team_tokens:rate5m"

# Of a model, summed over agents.
OF_MODEL_CALLS_RATE: Final = "pulseguard:model_calls:rate5m"
OF_MODEL_FAILURES_RATE: Final = "pulseguard:model_failures:rate5m"
OF_MODEL_INFERENCE_BUCKETS: Final = "pulseguard:model_inference_seconds_bucket:rate5m"
OF_MODEL_FIRST_CHUNK_BUCKETS: Final = "pulseguard:model_time_to_first_chunk_seconds_bucket:rate5m"
OF_MODEL_OUTPUT_SPEED_SUM: Final = "pulseguard:model_output_tokens_per_second_sum:rate5m"
OF_MODEL_OUTPUT_SPEED_COUNT: Final = "pulseguard:model_output_tokens_per_second_count:rate5m"
OF_MODEL_TOKENS_RATE: Final = "pulseguard:model_tokens:rate5m"
OF_MODEL_COST_PER_HOUR: Final = "pulseguard:model_cost_usd_per_hour:mean15m"
OF_MODEL_UNPRICED_TOKENS_RATE: Final = "pulseguard:model_unpriced_tokens:rate5m"

RECORDED: Final[tuple[str, ...]] = (
    INFERENCE_TIME_MS_MEAN,
    INFERENCE_TIME_MS_P95,
    ACCURACY_MEAN,
    CONFIDENCE_MEAN,
    TOKENS_PROCESSED_RATE,
    TOKENS_PER_SECOND_MEAN,
    CONTEXT_LENGTH_MAX,
    API_CALLS_RATE,
    API_CALL_LATENCY_MS_MEAN,
    COST_PER_HOUR_MEAN,
    COST_PER_HOUR_OF_DAY,
    MODEL_OUTCOMES_RATE,
    MODEL_CALLS_RATE,
    MODEL_FAILURES_RATE,
    MODEL_FAILURES_RATIO,
    AGENT_COST_SUM,
    AGENT_TROUBLE_RANK,
    TASKS_ENDED_RATE,
    TASK_SUCCESS_RATIO,
    ACCURACY_MEAN_OF_HALF_HOUR,
    ACCURACY_MEAN_OF_DAY,
    TASK_COST_MEAN,
    OF_TEAM_TASK_COST_PER_HOUR,
    OF_TEAM_PRICED_TASKS_RATE,
    OF_TEAM_TOKENS_RATE,
    OF_MODEL_CALLS_RATE,
    OF_MODEL_FAILURES_RATE,
    OF_MODEL_INFERENCE_BUCKETS,
    OF_MODEL_FIRST_CHUNK_BUCKETS,
    OF_MODEL_OUTPUT_SPEED_SUM,
    OF_MODEL_OUTPUT_SPEED_COUNT,
    OF_MODEL_TOKENS_RATE,
    OF_MODEL_COST_PER_HOUR,
    OF_MODEL_UNPRICED_TOKENS_RATE,
)
