"""How the fields of many snapshots become one value: which aggregations mean something, in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Aggregation = Literal["avg", "min", "max", "sum", "last"]

SeriesField = Literal[
    "model_inference_time_ms",
    "model_inference_time_p95_ms",
    "model_accuracy",
    "confidence_score",
    "tokens_processed",
    "tokens_per_second",
    "context_length",
    "api_calls_made",
    "api_call_latency_ms",
    "api_call_latency_p95_ms",
    "model_calls",
    "tasks_completed",
    "tasks_failed",
    "tasks_pending",
    "tokens_input",
    "tokens_cache_read",
    "tokens_cache_write",
    "tokens_output",
    "tokens_reasoning",
]
FIELDS: tuple[SeriesField, ...] = get_args(SeriesField)


@dataclass(frozen=True)
class Kind:
    """What a field is, as far as aggregating it goes.

    `weight` is the column that counts what the field is a mean of, where it is known.
    """

    is_count: bool = False
    is_quantile: bool = False
    weight: str | None = None


_COUNT = Kind(is_count=True)
_QUANTILE = Kind(is_quantile=True)
_KINDS: dict[SeriesField, Kind] = {
    "model_inference_time_ms": Kind(weight="model_calls"),
    "model_inference_time_p95_ms": _QUANTILE,
    "tokens_per_second": Kind(weight="model_calls"),
    "tokens_processed": _COUNT,
    "api_calls_made": _COUNT,
    "api_call_latency_ms": Kind(weight="api_calls_made"),
    "api_call_latency_p95_ms": _QUANTILE,
    "model_calls": _COUNT,
    "tasks_completed": _COUNT,
    "tasks_failed": _COUNT,
    "tokens_input": _COUNT,
    "tokens_cache_read": _COUNT,
    "tokens_cache_write": _COUNT,
    "tokens_output": _COUNT,
    "tokens_reasoning": _COUNT,
}
_PLAIN = Kind()


def is_meaningful(field: SeriesField, aggregation: Aggregation) -> bool:
    """Only counts have a sum: that of means, of ratios or of sizes says nothing."""
    return aggregation != "sum" or _kind(field).is_count


def meaningful_fields(aggregation: Aggregation) -> list[SeriesField]:
    """All fields that this aggregation makes sense of."""
    return [field for field in FIELDS if is_meaningful(field, aggregation)]


def expression(field: SeriesField, aggregation: Aggregation) -> str:
    """The SQL aggregate of a field over the snapshots of one step; null where none knows it.

    A mean is weighted by the count of what it is a mean of. A 95th percentile has no mean: the
    largest of the step stands for it, which is never less than the true one.
    """
    kind = _kind(field)
    match aggregation:
        case "last":
            known = f"FILTER (WHERE {field} IS NOT NULL)"
            return f"((array_agg({field} ORDER BY taken_at DESC) {known})[1])::float8"
        case "avg" if kind.is_quantile:
            return f"max({field})::float8"
        case "avg" if kind.weight is not None:
            return _weighted(field, kind.weight)
        case _:
            return f"{aggregation}({field})::float8"


def _weighted(field: str, weight: str) -> str:
    # Of an agent that tells times and no counts, each snapshot counts as one.
    weights = f"sum({weight}) FILTER (WHERE {field} IS NOT NULL)"
    return f"coalesce(sum({field} * {weight}) / nullif({weights}, 0), avg({field}))::float8"


def _kind(field: SeriesField) -> Kind:
    return _KINDS.get(field, _PLAIN)
