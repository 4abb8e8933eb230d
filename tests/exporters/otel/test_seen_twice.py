"""A call that is seen as a span and otherwise too is counted once, by whoever is nearest to it."""

from __future__ import annotations

import threading
from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from typing import Any

import pytest
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Span, Tracer, set_span_in_context

from pulseguard import Agent
from pulseguard.recording.usage import Usage
from tests.exporters.otel.counted import Counted, counted
from tests.exporters.otel.spans import BY_SPAN, TOOL, call, calls_of, in_progress


class APIError(Exception):
    """As clients name what their errors derive from."""


EMBEDDINGS: dict[str, Any] = {
    "gen_ai.operation.name": "embeddings",
    "gen_ai.request.model": "embeddings",
}


def test_a_call_inside_a_span_counts_and_the_span_does_not(agent: Agent, tracer: Tracer) -> None:
    with tracer.start_as_current_span("chat", attributes=BY_SPAN):
        assert in_progress(agent) == 1
        with agent.llm_call("openai", "by hand") as made:
            assert in_progress(agent) == 1
            made.usage(input_tokens=5, output_tokens=1)
        assert in_progress(agent) == 0

    assert calls_of(agent) == {"by hand": 1}
    assert counted(agent).tokens == {"input": 5, "output": 1}


def test_a_call_that_fails_inside_a_span_that_is_cancelled_for_it_fails_once(
    agent: Agent, tracer: Tracer
) -> None:
    invocation = {"gen_ai.operation.name": "invoke_agent"}
    with suppress(APIError), tracer.start_as_current_span("agent", attributes=invocation):
        with suppress(CancelledError), tracer.start_as_current_span("chat", attributes=BY_SPAN):
            with suppress(APIError), agent.llm_call("openai", "by hand"):
                raise (error := APIError())
            raise CancelledError
        raise error

    assert counted(agent) == Counted(1, errors={"_OTHER": 1})


def test_several_calls_inside_one_span_are_several(agent: Agent, tracer: Tracer) -> None:
    with tracer.start_as_current_span("chat", attributes=BY_SPAN):
        for _ in range(3):
            call(agent)

    assert calls_of(agent) == {"by hand": 3}


def test_a_call_counts_for_the_span_however_far_inside_it_is(agent: Agent, tracer: Tracer) -> None:
    with (
        tracer.start_as_current_span("chat", attributes=BY_SPAN),
        tracer.start_as_current_span("attempt"),
        tracer.start_as_current_span("http"),
    ):
        call(agent)

    assert calls_of(agent) == {"by hand": 1}


def test_a_call_in_a_thread_counts_for_the_span_whose_context_it_was_given(
    agent: Agent, tracer: Tracer
) -> None:
    def work(context: Context) -> None:
        token = attach(context)
        call(agent)
        detach(token)

    with tracer.start_as_current_span("chat", attributes=BY_SPAN) as span:
        thread = threading.Thread(target=work, args=[set_span_in_context(span)])
        thread.start()
        thread.join()

    assert calls_of(agent) == {"by hand": 1}


@contextmanager
def told_late(tracer: Tracer) -> Iterator[Span]:
    """As Traceloop's instrumentation of LangChain does it: never current, and named afterwards."""
    span = tracer.start_span("ChatOpenAI.chat")
    span.set_attributes(BY_SPAN)
    yield span
    span.end()


def test_a_call_counts_for_a_span_that_is_not_made_the_current_one(
    agent: Agent, tracer: Tracer
) -> None:
    with told_late(tracer):
        call(agent)
    with tracer.start_as_current_span("task"), told_late(tracer):
        call(agent)

    assert calls_of(agent) == {"by hand": 2}


def test_a_span_that_is_over_has_no_calls_any_more(agent: Agent, tracer: Tracer) -> None:
    with told_late(tracer):
        pass
    call(agent)
    with tracer.start_as_current_span("chat", attributes=BY_SPAN):
        pass
    call(agent)

    assert calls_of(agent) == {"by span": 2, "by hand": 2}


def test_a_span_that_began_elsewhere_does_not_lose_its_call(agent: Agent, tracer: Tracer) -> None:
    with tracer.start_as_current_span("one"), told_late(tracer) as span:
        pass
    del span
    with tracer.start_as_current_span("one"):
        open_still = tracer.start_span("chat", attributes=BY_SPAN)
    with tracer.start_as_current_span("another"):
        call(agent)
    open_still.end()

    assert calls_of(agent) == {"by span": 2, "by hand": 1}


def test_a_span_inside_an_open_call_is_that_call(agent: Agent, tracer: Tracer) -> None:
    with agent.llm_call("openai", "by hand"):
        with tracer.start_as_current_span("chat", attributes=BY_SPAN):
            assert in_progress(agent) == 1
        with tracer.start_as_current_span("chat") as late:
            late.set_attributes(BY_SPAN)

    assert calls_of(agent) == {"by hand": 1}
    assert counted(agent).tokens == {"input": 20, "output": 4}


def test_what_a_call_says_of_its_usage_goes_before_what_spans_know(
    agent: Agent, tracer: Tracer
) -> None:
    with agent.llm_call("openai", "by hand") as made:
        with tracer.start_as_current_span("chat", attributes=BY_SPAN):
            pass
        made.usage(input_tokens=5, output_tokens=1)

    assert counted(agent).tokens == {"input": 5, "output": 1}


def test_usage_that_a_client_inside_has_told_already_is_not_told_again(
    agent: Agent, tracer: Tracer
) -> None:
    with (
        agent.llm_call("openai", "by hand") as made,
        tracer.start_as_current_span("chat", attributes=BY_SPAN),
        tracer.start_as_current_span("chat", attributes=BY_SPAN),
    ):
        made.found_usage(Usage(input=7))

    assert counted(agent).tokens == {"input": 7}


def test_a_span_after_a_call_is_a_call_of_its_own(agent: Agent, tracer: Tracer) -> None:
    call(agent)
    with tracer.start_as_current_span("chat", attributes=BY_SPAN):
        pass

    assert calls_of(agent) == {"by hand": 1, "by span": 1}


def test_a_call_that_is_over_has_no_spans_any_more(agent: Agent, tracer: Tracer) -> None:
    def work() -> None:
        with tracer.start_as_current_span("chat", attributes=BY_SPAN):
            pass

    # As in a task that was begun within the call and outlives it.
    with agent.llm_call("openai", "by hand"):
        context = copy_context()
    context.run(work)

    assert calls_of(agent) == {"by hand": 1, "by span": 1}


@pytest.mark.parametrize("late", [False, True])
def test_of_spans_within_each_other_the_innermost_counts(
    agent: Agent, tracer: Tracer, late: bool
) -> None:
    inner = {**BY_SPAN, "gen_ai.request.model": "inner"}
    with (
        tracer.start_as_current_span("chat", attributes=BY_SPAN),
        tracer.start_as_current_span("in between"),
        tracer.start_as_current_span("chat", attributes={} if late else inner) as span,
    ):
        span.set_attributes(inner)

    assert calls_of(agent) == {"inner": 1}


def test_embeddings_inside_a_generation_are_another_call(agent: Agent, tracer: Tracer) -> None:
    with (
        tracer.start_as_current_span("chat", attributes=BY_SPAN),
        tracer.start_as_current_span("embeddings", attributes=EMBEDDINGS),
    ):
        call(agent, "embeddings")

    assert calls_of(agent) == {"by span": 1, "by hand": 1}


def test_a_tool_inside_a_generation_makes_calls_of_its_own(agent: Agent, tracer: Tracer) -> None:
    with (
        tracer.start_as_current_span("chat", attributes=BY_SPAN),
        tracer.start_as_current_span("tool", attributes=TOOL),
    ):
        call(agent)

    assert calls_of(agent) == {"by span": 1, "by hand": 1}


def test_spans_side_by_side_are_as_many_calls(agent: Agent, tracer: Tracer) -> None:
    spans = [tracer.start_span("chat", attributes=BY_SPAN) for _ in range(5)]
    assert in_progress(agent) == 5
    for span in spans:
        span.end()

    assert calls_of(agent) == {"by span": 5}
