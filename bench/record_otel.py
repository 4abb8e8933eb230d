"""A streamed model call recorded by hand, beside OpenTelemetry's metrics SDK."""

import time
from collections.abc import Callable, Iterator

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from bench.record import NAMES, OUTPUT, TIMES, recorded
from bench.rounds import Comparison, Result, in_turn, scaled


def run() -> Iterator[Result]:
    """The same recordings by OpenTelemetry's instruments."""
    mine, theirs = in_turn(recorded(), _opentelemetry(), TIMES)
    yield Comparison(
        "the same, OpenTelemetry loaded",
        "us",
        scaled(mine, 1e6),
        scaled(theirs, 1e6),
        "OpenTelemetry SDK",
    )


def _opentelemetry() -> Callable[[], None]:
    meter = MeterProvider([InMemoryMetricReader()]).get_meter("bench")
    in_progress = meter.create_up_down_counter("calls")
    activity, progress = meter.create_gauge("activity"), meter.create_gauge("progress")
    context = meter.create_gauge("context")
    durations, first_chunks = meter.create_histogram("duration"), meter.create_histogram("first")
    paces, speeds = meter.create_histogram("pace"), meter.create_histogram("speed")
    tokens = meter.create_counter("tokens")
    names = {"operation": NAMES[0], "provider": NAMES[1], "model": NAMES[2]}
    kinds = [{**names, "kind": kind} for kind in ("input", "cache_read", "output")]

    def record() -> None:
        in_progress.add(1)
        activity.set(time.time())
        began = time.perf_counter()
        first = time.perf_counter()
        ended = time.perf_counter()
        in_progress.add(-1)
        now = time.time()
        activity.set(now)
        progress.set(now)
        durations.record(ended - began, names)
        first_chunks.record(first - began, names)
        pace = (ended - first) / (OUTPUT - 1)
        paces.record(pace, names)
        speeds.record(1 / pace, names)
        for kind, count in zip(kinds, (712, 100, OUTPUT), strict=True):
            tokens.add(count, kind)
        context.set(812, names)

    return record
