"""A streamed model call recorded by hand, beside raw prometheus_client with the same series."""

import sys
import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from bench.rounds import Comparison, Result, in_turn, scaled
from pulseguard import Agent
from pulseguard.catalog import (
    CALLS_IN_PROGRESS,
    CONTEXT_TOKENS,
    CONTEXT_WINDOW_LIMIT,
    CONTEXT_WINDOW_USED,
    LAST_ACTIVITY,
    LAST_PROGRESS,
    OPERATION_DURATION,
    OUTPUT_TOKENS_PER_SECOND,
    TIME_PER_OUTPUT_TOKEN,
    TIME_TO_FIRST_CHUNK,
    TOKENS,
    Metric,
)

TIMES = 2000
NAMES = ("chat", "openai", "gpt-4o")
OUTPUT = 164
WINDOW = 128_000


def run() -> Iterator[Result]:
    """Where OpenTelemetry is not loaded: where it is, each call looks for a trace."""
    assert "opentelemetry.trace" not in sys.modules, "to be run before what loads OpenTelemetry"
    mine, theirs = in_turn(recorded(), _bound(), TIMES)
    yield Comparison(
        "record a streamed call",
        "us",
        scaled(mine, 1e6),
        scaled(theirs, 1e6),
        "prometheus_client, bound",
        1.0,
    )


def recorded() -> Callable[[], None]:
    """The record of one streamed call by hand."""
    agent = Agent("bench", metrics_port=0, strict=True)

    def record() -> None:
        with agent.llm_call("openai", "gpt-4o") as call:
            call.first_chunk()
            call.usage(input_tokens=812, output_tokens=OUTPUT, cache_read_tokens=100)

    return record


def _bound() -> Callable[[], None]:
    registry = CollectorRegistry()

    def histogram(metric: Metric, *values: str) -> Histogram:
        made = Histogram(
            metric.name,
            metric.help,
            metric.labels,
            registry=registry,
            buckets=metric.bounds("lean"),
        )
        return made.labels(*values)

    def gauge(metric: Metric, *values: str) -> Gauge:
        made = Gauge(metric.name, metric.help, metric.labels, registry=registry)
        return made.labels(*values) if values else made

    in_progress = gauge(CALLS_IN_PROGRESS)
    activity, progress = gauge(LAST_ACTIVITY), gauge(LAST_PROGRESS)
    context = gauge(CONTEXT_TOKENS, NAMES[2])
    window, used = gauge(CONTEXT_WINDOW_LIMIT, NAMES[2]), histogram(CONTEXT_WINDOW_USED, NAMES[2])
    durations = histogram(OPERATION_DURATION, *NAMES, "")
    first_chunks = histogram(TIME_TO_FIRST_CHUNK, *NAMES)
    paces = histogram(TIME_PER_OUTPUT_TOKEN, *NAMES[1:])
    speeds = histogram(OUTPUT_TOKENS_PER_SECOND, NAMES[2])
    tokens = Counter(TOKENS.name, TOKENS.help, TOKENS.labels, registry=registry)
    uncached, cached, output = (
        tokens.labels(*NAMES[1:], kind) for kind in ("input", "cache_read", "output")
    )

    def record() -> None:
        in_progress.inc()
        activity.set(time.time())
        began = time.perf_counter()
        first = time.perf_counter()
        ended = time.perf_counter()
        in_progress.dec()
        now = time.time()
        activity.set(now)
        progress.set(now)
        durations.observe(ended - began)
        first_chunks.observe(first - began)
        pace = (ended - first) / (OUTPUT - 1)
        paces.observe(pace)
        speeds.observe(1 / pace)
        uncached.inc(712)
        cached.inc(100)
        output.inc(OUTPUT)
        context.set(812)
        window.set(WINDOW)
        used.observe(812 / WINDOW)

    return record
