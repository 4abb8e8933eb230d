"""What an agent records is what /metrics shows."""

import math
from typing import Any

import pytest

from pulseguard.catalog import (
    CALLS_IN_PROGRESS,
    CONTEXT_TOKENS,
    CONTEXT_WINDOW_LIMIT,
    CONTEXT_WINDOW_USED,
    ERRORS,
    EVALUATION_LAST_SCORE,
    EVALUATION_SCORE,
    EXECUTE_TOOL_DURATION,
    HTTP_CLIENT_DURATION,
    OPERATION_DURATION,
    OUTPUT_TOKENS_PER_SECOND,
    RETRIES,
    TIME_PER_OUTPUT_TOKEN,
    TIME_TO_FIRST_CHUNK,
    TOKENS,
)
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import scrape, total


def test_tokens_are_stored_as_disjoint_kinds(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    with agent.llm_call(provider="openai", model="gpt-4o") as call:
        call.usage(
            input_tokens=100,
            output_tokens=50,
            cache_read_tokens=20,
            cache_write_tokens=30,
            reasoning_tokens=5,
        )

    text = scrape(agent)
    kinds = ("input", "cache_read", "cache_write", "output", "reasoning")
    assert [total(text, TOKENS, gen_ai_token_type=kind) for kind in kinds] == [50, 20, 30, 45, 5]
    assert total(text, CONTEXT_TOKENS, gen_ai_request_model="gpt-4o") == 100


def test_usage_said_twice_counts_the_later(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    with agent.llm_call(provider="openai", model="gpt-4o") as call:
        call.usage(input_tokens=10, output_tokens=1)
        call.usage(output_tokens=7)

    assert total(scrape(agent), TOKENS) == 17


def test_a_stream_has_a_first_chunk_and_a_pace(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    with agent.llm_call(provider="openai", model="streamed") as call:
        call.first_chunk()
        call.usage(output_tokens=11)
    with agent.llm_call(provider="openai", model="whole") as call:
        call.usage(output_tokens=11)

    text = scrape(agent)
    assert total(text, f"{TIME_TO_FIRST_CHUNK.name}_count") == 1
    assert total(text, f"{TIME_PER_OUTPUT_TOKEN.name}_count") == 1
    assert total(text, f"{OUTPUT_TOKENS_PER_SECOND.name}_count") == 2
    pace = total(text, f"{TIME_PER_OUTPUT_TOKEN.name}_sum")
    speed = total(text, f"{OUTPUT_TOKENS_PER_SECOND.name}_sum", gen_ai_request_model="streamed")
    assert math.isclose(pace * speed, 1)


def test_a_failed_call_is_counted_by_type_and_passes_through(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()
    error = ConnectionResetError("gone")

    with (
        pytest.raises(ConnectionResetError) as caught,
        agent.llm_call(provider="openai", model="gpt-4o"),
    ):
        raise error

    text = scrape(agent)
    assert caught.value is error
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert total(text, ERRORS, error_type="network", source="chat") == 1
    assert total(text, f"{OPERATION_DURATION.name}_count", error_type="_OTHER") == 1
    assert total(text, CALLS_IN_PROGRESS) == 0


def test_a_failure_the_agent_handled_is_counted(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    with agent.llm_call(model="gpt-4o") as call:
        call.error("content_filter")
    with agent.tool("search") as tool:
        tool.error("no such type")

    text = scrape(agent)
    assert total(text, ERRORS, error_type="content_filter", source="chat") == 1
    assert total(text, ERRORS, error_type="_OTHER", source="tool") == 1


def test_a_generator_dropped_half_way_counts_its_call_once(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    def stream() -> Any:
        with agent.llm_call(model="gpt-4o") as call:
            for chunk in range(10):
                call.first_chunk()
                yield chunk

    chunks = stream()
    next(chunks)
    chunks.close()

    text = scrape(agent)
    assert total(text, f"{OPERATION_DURATION.name}_count") == 1
    assert total(text, f"{TIME_TO_FIRST_CHUNK.name}_count") == 1
    assert total(text, ERRORS) == 0


def test_tools_outbound_calls_and_evaluations(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    with agent.tool("search", "extension"):
        pass
    with agent.api_call("api.example.com", "POST") as call:
        call.status(503)
    agent.evaluation("accuracy", 0.75)
    agent.evaluation("accuracy", 0.25)
    with agent.llm_call(model="gpt-4o") as llm_call:
        llm_call.usage(input_tokens=500)
        llm_call.context(window=1000)
        llm_call.retries(2, "rate_limit")

    text = scrape(agent)
    assert total(text, f"{EXECUTE_TOOL_DURATION.name}_count", gen_ai_tool_type="extension") == 1
    assert total(text, ERRORS, source="api", error_type="server_error") == 1
    host = {"server_address": "api.example.com", "http_request_method": "POST"}
    http = f"{HTTP_CLIENT_DURATION.name}_count"
    assert total(text, http, http_response_status_code="5xx", **host) == 1
    assert total(text, f"{EVALUATION_SCORE.name}_sum") == 1.0
    assert total(text, EVALUATION_LAST_SCORE, gen_ai_evaluation_name="accuracy") == 0.25
    assert total(text, f"{CONTEXT_WINDOW_USED.name}_sum") == 0.5
    assert total(text, CONTEXT_WINDOW_LIMIT) == 1000
    assert total(text, RETRIES, reason="rate_limit") == 2


def test_recording_works_without_start(make_agent: MakeAgent) -> None:
    agent = make_agent()

    with agent.llm_call(model="gpt-4o") as call:
        call.usage(input_tokens=5)
    agent.start()

    assert total(scrape(agent), TOKENS) == 5
