"""The PromQL of the view: a few queries that speak of the whole fleet, never one for each agent.

How fresh they are: Prometheus scrapes every 5 s (`make up`), the view asks every 2 s and rates look
back 30 s, so a finished call changes the numbers after about 7 s and within 20 s. A counter that
was born within the window counts from 0: rate() alone would miss the first calls of a new agent or
of a new model, since Prometheus first sees them with a value already. What is shown per second or
per hour of an agent that is younger than the window is over the time that it is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pulseguard.catalog import (
    AGENT_INFO,
    CONTEXT_TOKENS,
    CONTEXT_WINDOW_LIMIT,
    COST,
    LABEL_AGENT_ID,
    LABEL_AGENT_VERSION,
    LABEL_MODEL,
    LABEL_OUTCOME,
    OPERATION_DURATION,
    TASKS,
    TOKENS,
)

Question = Literal[
    "up", "version", "calls", "p95", "tokens", "tasks", "cost", "context", "context_window"
]

RATE_WINDOW_SECONDS: Final = 30
# For what needs more than a few events to mean something: p95, cost.
LONG_WINDOW_SECONDS: Final = 300
# Tasks are fewer than calls: over less, an agent near the limit is judged anew at each look.
TASKS_WINDOW_SECONDS: Final = 900
# As often as `make up` scrapes; rate() reaches half of it beyond the first scrape.
_SCRAPE_SECONDS: Final = 5
TREND_SECONDS: Final = 300
TREND_STEP_SECONDS: Final = 15

_UP: Final = 'up{job="agents"}'


def rate(series: str, window_seconds: int, *labels: str) -> str:
    """The rate of a counter, by agent and these labels; a newborn series counts from 0.

    Born is what has fewer samples in the window than its target had successful scrapes.
    """
    by = ", ".join((LABEL_AGENT_ID, *labels))
    window = f"[{window_seconds}s]"
    scrapes = f"sum by ({LABEL_AGENT_ID}) (sum_over_time({_UP}{window}))"
    is_born = f"count_over_time({series}{window}) < on ({LABEL_AGENT_ID}) group_left () ({scrapes})"
    risen = f"sum by ({by}) (rate({series}{window}))"
    born = f"sum by ({by}) (min_over_time({series}{window}) and ({is_born})) / {window_seconds}"
    return f"({risen} + {born}) or {risen} or {born}"


def present_rate(series: str, window_seconds: int) -> str:
    """The rate of an agent's counter over the window, or over its life where that is shorter.

    Nothing where it is no target any more.
    """
    step = min(_SCRAPE_SECONDS, window_seconds // 30)
    first = f"min_over_time(timestamp({_UP})[{window_seconds}s:{step}s])"
    age = f"time() - min by ({LABEL_AGENT_ID}) ({first} and {_UP}) + {_SCRAPE_SECONDS / 2}"
    share = f"(clamp_max({age}, {window_seconds}) / {window_seconds})"
    return f"({rate(series, window_seconds)}) / on ({LABEL_AGENT_ID}) {share}"


def _highest(series: str) -> str:
    return f"max by ({LABEL_AGENT_ID}, {LABEL_MODEL}) ({series})"


def _p95() -> str:
    buckets = rate(f"{OPERATION_DURATION.name}_bucket", LONG_WINDOW_SECONDS, "le")
    return f"histogram_quantile(0.95, {buckets})"


CALLS: Final = present_rate(f"{OPERATION_DURATION.name}_count", RATE_WINDOW_SECONDS)

# Its shape is what counts: the age of each agent at each step would cost more than it tells.
TREND: Final = rate(f"{OPERATION_DURATION.name}_count", RATE_WINDOW_SECONDS)

QUERIES: Final[Mapping[Question, str]] = {
    "up": _UP,
    "version": f"max by ({LABEL_AGENT_ID}, {LABEL_AGENT_VERSION}) ({AGENT_INFO.name})",
    "calls": CALLS,
    "p95": _p95(),
    "tokens": present_rate(TOKENS.name, RATE_WINDOW_SECONDS),
    "tasks": rate(TASKS.name, TASKS_WINDOW_SECONDS, LABEL_OUTCOME),
    "cost": f"3600 * ({present_rate(COST.name, LONG_WINDOW_SECONDS)})",
    "context": _highest(CONTEXT_TOKENS.name),
    "context_window": _highest(CONTEXT_WINDOW_LIMIT.name),
}
