"""Spans that are open: bounded, given back, and recorded wherever they end."""

from __future__ import annotations

import gc

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer, use_span

from pulseguard import Agent
from pulseguard.otel import PulseGuardSpanProcessor
from pulseguard.otel.open_spans import MOST_OPEN
from pulseguard.recording.traces import CALL_LISTENERS
from tests.exporters.otel.counted import counted
from tests.exporters.otel.spans import BY_SPAN, TOOL, call, calls_of, in_progress


def test_spans_that_nobody_ends_do_not_pile_up(agent: Agent, tracer: Tracer) -> None:
    spans = [tracer.start_span("chat", attributes=BY_SPAN) for _ in range(MOST_OPEN + 100)]

    assert in_progress(agent) == MOST_OPEN
    for span in spans:
        span.end()

    assert calls_of(agent) == {"by span": MOST_OPEN + 100}


def test_spans_that_are_open_at_the_shutdown_are_in_progress_no_longer(
    agent: Agent,
) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    processor = PulseGuardSpanProcessor(agent, strict=True)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("tests")
    listening = len(CALL_LISTENERS)
    open_still = [tracer.start_span("s", attributes=each) for each in (BY_SPAN, TOOL)]

    provider.shutdown()

    assert in_progress(agent) == 0
    assert agent._recorder.activity.state() == "idle"
    assert len(CALL_LISTENERS) == listening - 1
    for span in open_still:
        span.end()
    assert counted(agent).calls == 1


def test_a_span_that_ends_while_something_is_recorded_is_recorded_after_it(
    agent: Agent, tracer: Tracer
) -> None:
    # As a finalizer that the garbage collector runs in the thread that is recording.
    span = tracer.start_span("chat", attributes=BY_SPAN)
    with agent._recorder.series.lock:
        span.end()
        gc.collect()

    assert calls_of(agent) == {"by span": 1}


def test_spans_of_before_a_fork_are_the_parents(agent: Agent, tracer: Tracer) -> None:
    kinds = (BY_SPAN, TOOL, {"gen_ai.operation.name": "invoke_agent"})
    ended = [tracer.start_span("span", attributes=each) for each in kinds]
    around = tracer.start_span("chat", attributes=BY_SPAN)

    agent._recorder.begin_anew()
    for span in ended:
        span.end()
    with use_span(around):
        call(agent)
    around.end()

    assert calls_of(agent) == {"by hand": 1}
    assert agent._recorder.activity.state() == "idle"
