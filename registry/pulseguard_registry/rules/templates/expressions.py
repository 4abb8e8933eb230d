"""What templates ask Prometheus for, spelled from the catalogue; each keeps the target's labels."""

from __future__ import annotations

from typing import Final

from pulseguard.catalog import (
    AGENT_STATE,
    CONTEXT_TOKENS,
    CONTEXT_WINDOW_LIMIT,
    COST_PER_HOUR_MEAN,
    EVALUATION_SCORE,
    EXECUTE_TOOL_DURATION,
    INFERENCE_TIME_MS_P95,
    LABEL_AGENT_ID,
    LABEL_ERROR_TYPE,
    LABEL_EVALUATION,
    LABEL_INSTANCE,
    LABEL_MODEL,
    LABEL_STATE,
    LAST_PROGRESS,
    MODEL_CALLS_RATE,
    MODEL_FAILURES_RATE,
    MODEL_FAILURES_RATIO,
    TIME_TO_FIRST_CHUNK,
    TOKENS_PROCESSED_RATE,
)
from pulseguard_registry.rules.templates.parameters import Value
from pulseguard_registry.rules.templates.quoting import number
from pulseguard_registry.rules.templates.scope import Scope

Values = dict[str, Value]

_AGENTS: Final = ("job", "=", "agents")
# Over so long what happens is counted, as in the shipped rules; scores come more rarely.
_WINDOW: Final = "5m"
_WINDOW_OF_SCORES: Final = "30m"


def down(scope: Scope, values: Values) -> str:
    """Targets that do not answer, or fall silent again and again; see rules/availability.yml."""
    up = scope.selector("up", _AGENTS)
    return (
        f"({up} == 0 unless timestamp({up}) < on () group_left ()"
        ' max(process_start_time_seconds{job="prometheus"}))'
        f" or (resets({up}[10m]) >= {_number(values, 'falls')} and {up})"
    )


def error_rate(scope: Scope, values: Values) -> str:
    """The share of model calls that fail, with a number of failures in 5 minutes at least."""
    return (
        f"{scope.selector(MODEL_FAILURES_RATIO)} > {_number(values, 'share')}"
        f" and {_at_least(f'300 * {scope.selector(MODEL_FAILURES_RATE)}', values, 'failures')}"
    )


def latency(scope: Scope, values: Values) -> str:
    """The 95th percentile of model calls, in seconds."""
    return (
        f"{scope.selector(INFERENCE_TIME_MS_P95)} / 1000 > {_number(values, 'seconds')}"
        f" and {_at_least(f'300 * {scope.selector(MODEL_CALLS_RATE)}', values, 'calls')}"
    )


def first_token(scope: Scope, values: Values) -> str:
    """The 95th percentile of the time to the first chunk of streams, in seconds."""
    labels = ", ".join(TIME_TO_FIRST_CHUNK.labels)
    buckets = scope.selector(f"{TIME_TO_FIRST_CHUNK.name}_bucket")
    count = scope.selector(f"{TIME_TO_FIRST_CHUNK.name}_count")
    streams = f"sum without ({labels}) (increase({count}[{_WINDOW}]))"
    return (
        f"histogram_quantile(0.95, sum without ({labels}) (rate({buckets}[{_WINDOW}])))"
        f" > {_number(values, 'seconds')} and {_at_least(streams, values, 'streams')}"
    )


def cost(scope: Scope, values: Values) -> str:
    """What an agent spends an hour, a mean over 15 minutes."""
    return f"{scope.selector(COST_PER_HOUR_MEAN)} > {_number(values, 'budget')}"


def tokens(scope: Scope, values: Values) -> str:
    """Tokens of all kinds in a minute, a mean over 5."""
    return f"60 * {scope.selector(TOKENS_PROCESSED_RATE)} > {_number(values, 'tokens')}"


def evaluation(scope: Scope, values: Values) -> str:
    """The mean score of an evaluation over 30 minutes."""
    named = (LABEL_EVALUATION, "=", str(values["evaluation"]))
    total, count = (
        _counted(
            scope.selector(f"{EVALUATION_SCORE.name}_{part}", named),
            EVALUATION_SCORE.labels,
            _WINDOW_OF_SCORES,
        )
        for part in ("sum", "count")
    )
    return (
        f"{total} / ({count} > 0) < {_number(values, 'floor')}"
        f" and {_at_least(count, values, 'evaluations')}"
    )


def context(scope: Scope, values: Values) -> str:
    """The share of the context window that the latest call took, while there are calls."""
    used = scope.selector(CONTEXT_TOKENS.name)
    window = scope.selector(CONTEXT_WINDOW_LIMIT.name)
    return (
        f"max without ({LABEL_MODEL}) ({used} / ({window} > 0)) > {_number(values, 'share')}"
        f" and {scope.selector(MODEL_CALLS_RATE)} > 0"
    )


def tools(scope: Scope, values: Values) -> str:
    """The share of tool executions that fail, with a number of failures in 5 minutes at least."""
    name = f"{EXECUTE_TOOL_DURATION.name}_count"
    labels = EXECUTE_TOOL_DURATION.labels
    failed = _counted(scope.selector(name, (LABEL_ERROR_TYPE, "!=", "")), labels, _WINDOW)
    executed = _counted(scope.selector(name), labels, _WINDOW)
    return (
        f"{failed} / ({executed} > 0) > {_number(values, 'share')}"
        f" and {_at_least(failed, values, 'failures')}"
    )


def stuck(scope: Scope, values: Values) -> str:
    """Seconds without progress of those that say themselves that they are stuck."""
    state = scope.selector(AGENT_STATE.name, (LABEL_STATE, "=", "stuck"))
    return (
        f"time() - {scope.selector(LAST_PROGRESS.name)} > {_number(values, 'seconds')}"
        f" and max without ({LABEL_STATE}) ({state}) == 1"
    )


def no_traffic(scope: Scope, values: Values) -> str:
    """Model calls a second, none, of those that have answered since before the time began."""
    up = scope.selector("up", _AGENTS)
    minutes = f"{_number(values, 'minutes')}m"
    calls = scope.selector(MODEL_CALLS_RATE)
    return (
        f"0 * ({up} == 1 and {up} offset {minutes} == 1"
        f" unless max_over_time({calls}[{minutes}]) > 0)"
    )


def _number(values: Values, name: str) -> str:
    return number(float(values[name]))


def _at_least(expression: str, values: Values, name: str) -> str:
    """So many: half a one less, for what rate() makes of few is no whole number."""
    return f"{expression} > {number(float(values[name]) - 0.5)}"


def _counted(series: str, labels: tuple[str, ...], window: str) -> str:
    """What a counter has risen by, one that began within the window from 0: see rules/errors.yml.

    Else a burst of the first failures, which may be all of them, would be missed.
    """
    identity = f"job, {LABEL_INSTANCE}, {LABEL_AGENT_ID}"
    return (
        f"sum without ({', '.join(labels)}) ((last_over_time({series}[{window}])"
        f" and count_over_time({series}[{window}]) < on ({identity}) group_left ()"
        f" max by ({identity}) (sum_over_time(up[{window}]))"
        f" unless {series} offset {window}) or increase({series}[{window}]))"
    )
