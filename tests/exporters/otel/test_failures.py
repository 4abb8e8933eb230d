"""Whether a span has failed, and the bounded type of its failure."""

from __future__ import annotations

import asyncio

import pytest
from opentelemetry.trace import Status, StatusCode, Tracer

from pulseguard import Agent
from pulseguard.recording.error_types import named_error_type, told_error_type
from tests.exporters.otel.counted import counted
from tests.exporters.otel.spans import NEWEST, spell


class ModelRateLimitError(Exception):
    status_code = 429


class Strange(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ModelRateLimitError("x"), {"rate_limit": 1}),
        (TimeoutError("x"), {"timeout": 1}),
        (Strange("x"), {"_OTHER": 1}),
        (asyncio.CancelledError(), {}),
    ],
)
def test_the_exception_that_ends_a_span_is_its_failure(
    agent: Agent, tracer: Tracer, error: BaseException, expected: dict[str, int]
) -> None:
    with pytest.raises(type(error)), tracer.start_as_current_span("chat", attributes=NEWEST):
        raise error

    assert counted(agent).errors == expected
    assert counted(agent).calls == 1


def test_an_exception_that_is_in_flight_for_another_reason_is_not_the_failure(
    agent: Agent, tracer: Tracer
) -> None:
    try:
        raise TimeoutError
    except TimeoutError:
        spell(tracer, {**NEWEST, "error.type": "openai.RateLimitError"})
        spell(tracer, NEWEST)

    assert counted(agent).errors == {"rate_limit": 1}


def test_a_class_that_was_told_as_such_is_told_by_its_name(agent: Agent, tracer: Tracer) -> None:
    spell(tracer, {**NEWEST, "error.type": "<class 'openai.RateLimitError'>"})

    assert counted(agent).errors == {"rate_limit": 1}


def test_a_failure_that_only_the_status_tells_is_named_by_it(agent: Agent, tracer: Tracer) -> None:
    for description in ("APITimeoutError: what a prompt says", "it: did not work", None):
        span = tracer.start_span("chat", attributes=NEWEST)
        span.set_status(Status(StatusCode.ERROR, description))
        span.end()

    assert counted(agent).errors == {"timeout": 1, "_OTHER": 2}


def test_a_failure_whose_name_says_too_little_is_told_by_its_status_and_words(
    agent: Agent, tracer: Tracer
) -> None:
    for said in ("Error code: 500 - An error.", "Error code: 400 - Beyond the context window."):
        span = tracer.start_span("chat", attributes={**NEWEST, "error.type": "x.OpenAIAPIError"})
        span.set_status(Status(StatusCode.ERROR, said))
        span.end()

    assert counted(agent).errors == {"server_error": 1, "context_length": 1}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            "Error code: 400 - {'error': {'message': 'no', 'code': 'content_filter'}}",
            "content_filter",
        ),
        ("BadRequestError: Error code: 400 - The maximum context length is 9.", "context_length"),
        ("Error code: 400 - The content management policy says no.", "content_filter"),
        ("Error code: 400 - A parameter is wrong.", "_OTHER"),
        ("status_code: 429, model_name: m, body: {'message': 'context window'}", "rate_limit"),
        ("Error code: 4000", None),
        ("They said: Error code: 500", None),
        ("", None),
    ],
)
def test_messages_of_clients_tell_their_status_first(message: str, expected: str | None) -> None:
    assert told_error_type(message) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("rate_limit", "rate_limit"),
        ("_OTHER", "_OTHER"),
        ("context_length_exceeded", "context_length"),
        ("429", "rate_limit"),
        ("503", "server_error"),
        ("400", "_OTHER"),
        ("200", None),
        ("openai.APITimeoutError", "timeout"),
        ("APIConnectionError", "network"),
        ("langchain_openai.chat_models.base.OpenAIRateLimitError", "rate_limit"),
        ("pydantic_ai.exceptions.ModelServerError", "server_error"),
        ("pydantic_ai.exceptions.ModelContextWindowExceededError", "context_length"),
        ("langchain_openai.chat_models.base.OpenAIContextOverflowError", "context_length"),
        ("ValueError", None),
        ("", None),
    ],
)
def test_failures_are_told_by_their_names(name: str, expected: str | None) -> None:
    assert named_error_type(name) == expected
