"""Calls that end with a cancellation: given up by the caller, or by a framework for a failure."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Status, StatusCode, Tracer, set_span_in_context

from pulseguard import Agent
from pulseguard.catalog import TIME_PER_OUTPUT_TOKEN, TIME_TO_FIRST_CHUNK
from tests.exporters.observing import scrape, total
from tests.exporters.otel.counted import Counted, counted, without_usage
from tests.exporters.otel.spans import NEWEST, in_progress, spell

CHAT: dict[str, Any] = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
PLANNER: dict[str, Any] = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}
FIRST_CHUNK: dict[str, Any] = {"gen_ai.response.time_to_first_chunk": 1e-9}


class ModelAPIError(Exception):
    """As frameworks name what the errors of their models derive from."""


class ModelRateLimitError(ModelAPIError):
    status_code = 429


def end_with(tracer: Tracer, error: BaseException, attributes: dict[str, Any] = CHAT) -> None:
    with suppress(type(error)), tracer.start_as_current_span("chat", attributes=attributes):
        raise error


@pytest.mark.parametrize(
    ("error", "told", "answers"),
    [
        (asyncio.CancelledError(), {}, 0),
        (KeyboardInterrupt(), {}, 0),
        (asyncio.CancelledError(), FIRST_CHUNK, 1),
        (GeneratorExit(), {}, 1),
    ],
)
def test_a_call_that_is_given_up_has_usage_to_miss_only_where_an_answer_had_begun(
    agent: Agent, tracer: Tracer, error: BaseException, told: dict[str, Any], answers: int
) -> None:
    end_with(tracer, error, {**CHAT, **told})

    assert counted(agent) == Counted(1)
    assert without_usage(agent) == answers


@pytest.mark.parametrize(
    ("name", "description", "answers"),
    [
        ("asyncio.exceptions.CancelledError", "", 0),
        ("_OTHER", "abandoned stream", 1),
        ("builtins.GeneratorExit", "", 1),
    ],
)
def test_who_gave_up_is_told_by_its_name_where_nothing_is_in_flight(
    agent: Agent, tracer: Tracer, name: str, description: str, answers: int
) -> None:
    span = tracer.start_span("chat", attributes={**CHAT, "error.type": name})
    span.set_status(Status(StatusCode.ERROR, description))
    span.end()

    assert counted(agent) == Counted(1)
    assert without_usage(agent) == answers


def test_a_call_made_while_a_cancellation_is_handled_is_not_cancelled(
    agent: Agent, tracer: Tracer
) -> None:
    try:
        raise asyncio.CancelledError
    except asyncio.CancelledError:
        spell(tracer, CHAT)

    assert without_usage(agent) == 1


def test_an_answer_that_was_left_half_way_says_nothing_about_speed(
    agent: Agent, tracer: Tracer
) -> None:
    end_with(tracer, asyncio.CancelledError(), {**NEWEST, **FIRST_CHUNK})

    text = scrape(agent)
    assert total(text, f"{TIME_TO_FIRST_CHUNK.name}_count") == 1
    assert total(text, f"{TIME_PER_OUTPUT_TOKEN.name}_count") == 0
    assert counted(agent).tokens["output"] == 15


@pytest.mark.parametrize(
    ("error", "errors"),
    [
        (ModelRateLimitError(), {"rate_limit": 1}),
        (ExceptionGroup("of all", [ModelRateLimitError()]), {"rate_limit": 1}),
        (ConnectionError(), {}),
        (asyncio.CancelledError(), {}),
    ],
)
def test_what_ends_the_invocation_tells_why_its_last_call_was_cancelled(
    agent: Agent, tracer: Tracer, error: BaseException, errors: dict[str, int]
) -> None:
    with suppress(type(error)), tracer.start_as_current_span("agent", attributes=PLANNER):
        end_with(tracer, asyncio.CancelledError())
        end_with(tracer, asyncio.CancelledError())
        assert in_progress(agent) == 1
        raise error

    assert counted(agent) == Counted(2, errors=errors)


def test_a_cancelled_call_was_given_up_where_its_invocation_goes_on(
    agent: Agent, tracer: Tracer
) -> None:
    with suppress(ModelAPIError), tracer.start_as_current_span("agent", attributes=PLANNER):
        end_with(tracer, asyncio.CancelledError())
        end_with(tracer, error := ModelRateLimitError())
        assert in_progress(agent) == 0
        raise error

    assert counted(agent) == Counted(2, errors={"rate_limit": 1})


def test_an_error_that_passes_several_invocations_is_that_of_one_call(
    agent: Agent, tracer: Tracer
) -> None:
    with suppress(ModelAPIError), tracer.start_as_current_span("outer", attributes=PLANNER):
        end_with(tracer, asyncio.CancelledError())
        with tracer.start_as_current_span("inner", attributes=PLANNER):
            end_with(tracer, asyncio.CancelledError())
            raise ModelRateLimitError

    assert counted(agent) == Counted(2, errors={"rate_limit": 1})


def test_a_call_that_is_cancelled_after_its_invocation_has_ended_is_counted_at_once(
    agent: Agent, tracer: Tracer
) -> None:
    around = tracer.start_span("agent", attributes=PLANNER)
    call = tracer.start_span("chat", attributes=CHAT, context=set_span_in_context(around))
    around.end()
    try:
        raise asyncio.CancelledError
    except asyncio.CancelledError:
        call.end()

    assert counted(agent) == Counted(1)
    assert without_usage(agent) == 0


def test_a_cancelled_call_counts_when_the_provider_is_shut_down(
    agent: Agent, provider: TracerProvider
) -> None:
    with provider.get_tracer("tests").start_as_current_span("agent", attributes=PLANNER):
        end_with(provider.get_tracer("tests"), asyncio.CancelledError())
        provider.shutdown()

        assert counted(agent) == Counted(1)


def test_a_call_that_was_cancelled_before_a_fork_is_the_parents(
    agent: Agent, tracer: Tracer
) -> None:
    with tracer.start_as_current_span("agent", attributes=PLANNER):
        end_with(tracer, asyncio.CancelledError())
        agent._recorder.begin_anew()

    assert counted(agent).calls == 0
