"""What spans say becomes metrics, whichever generation of the conventions they speak."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer

from pulseguard import Agent
from pulseguard.catalog import (
    CALLS_IN_PROGRESS,
    CALLS_WITHOUT_USAGE,
    EVALUATION_LAST_SCORE,
    EVALUATION_SCORE,
    EXPORTER_FAILURES,
    INVOKE_AGENT_DURATION,
    INVOKE_AGENT_INFERENCE_CALLS,
    INVOKE_AGENT_TOOL_CALLS,
    INVOKE_WORKFLOW_DURATION,
    OPERATION_DURATION,
    TIME_PER_OUTPUT_TOKEN,
    TIME_TO_FIRST_CHUNK,
    TOKENS,
)
from pulseguard.otel import PulseGuardSpanProcessor
from pulseguard.recording.traces import CALL_LISTENERS
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import samples, scrape, total
from tests.exporters.otel.counted import by_label, counted
from tests.exporters.otel.spans import NEWEST, spell

PYDANTIC_AI: dict[str, Any] = {
    **{key: value for key, value in NEWEST.items() if "cache_w" not in key and "reas" not in key},
    "gen_ai.system": "openai",
    "gen_ai.usage.cache_creation.input_tokens": 10,
    "gen_ai.usage.details.cache_write_tokens": 10,
    "gen_ai.usage.details.reasoning_tokens": 5,
}
OLDEST: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.system": "openai",
    "gen_ai.response.model": "gpt-4o",
    "gen_ai.usage.prompt_tokens": 100,
    "gen_ai.usage.completion_tokens": 20,
    "gen_ai.usage.cache_read_input_tokens": 30.0,
    "gen_ai.usage.cache_creation_input_tokens": 10,
    "gen_ai.usage.reasoning_tokens": 5,
}


@pytest.mark.parametrize("attributes", [NEWEST, PYDANTIC_AI, OLDEST])
def test_every_spelling_of_a_call_counts_the_same(
    agent: Agent, tracer: Tracer, attributes: dict[str, Any]
) -> None:
    spell(tracer, attributes)

    found = samples(scrape(agent))
    expected = {"input": 60, "cache_read": 30, "cache_write": 10, "output": 15, "reasoning": 5}
    assert by_label(found, TOKENS.name, "gen_ai_token_type") == expected
    names = {"gen_ai_provider_name": "openai", "gen_ai_request_model": "gpt-4o", "error_type": ""}
    text = scrape(agent)
    assert total(text, f"{OPERATION_DURATION.name}_count", **names) == 1
    assert total(text, f"{OPERATION_DURATION.name}_sum", **names) == 2
    assert counted(agent).calls == 1


@pytest.mark.parametrize("told", ["at the start", "later"])
@pytest.mark.parametrize("operation", ["chat", "text_completion", "generate_content", "embeddings"])
def test_every_inference_operation_is_a_call_under_its_name(
    agent: Agent, tracer: Tracer, operation: str, told: str
) -> None:
    attributes = {"gen_ai.operation.name": operation, "gen_ai.request.model": "m"}
    span = tracer.start_span("span", attributes=attributes if told == "at the start" else {})
    in_progress = total(scrape(agent), CALLS_IN_PROGRESS)
    span.set_attributes(attributes)
    span.end()

    assert in_progress == (1 if told == "at the start" else 0)
    name = f"{OPERATION_DURATION.name}_count"
    assert total(scrape(agent), name, gen_ai_operation_name=operation) == 1
    assert counted(agent).calls == 1


@pytest.mark.parametrize("operation", ["retrieval", "create_agent", "plan", "CHAT", 7, None])
def test_what_is_no_known_operation_is_ignored(
    agent: Agent, tracer: Tracer, operation: str | int | None
) -> None:
    before = scrape(agent)
    attributes = {**NEWEST, "gen_ai.operation.name": operation}
    spell(tracer, {key: value for key, value in attributes.items() if value is not None})

    assert counted(agent).calls == 0
    assert by_label(samples(before), TOKENS.name, "") == {}


def test_a_call_without_usage_is_counted_as_such(agent: Agent, tracer: Tracer) -> None:
    spell(tracer, {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"})

    assert total(scrape(agent), CALLS_WITHOUT_USAGE, gen_ai_request_model="m") == 1


def test_usage_that_only_events_tell_is_that_of_the_latest(agent: Agent, tracer: Tracer) -> None:
    with tracer.start_as_current_span("chat", attributes={"gen_ai.operation.name": "chat"}) as span:
        for output in (1, 20):
            told = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": output}
            span.add_event("gen_ai.client.inference.operation.details", told)
        span.add_event("done")

    assert counted(agent).tokens == {"input": 100, "output": 20}
    assert total(scrape(agent), CALLS_WITHOUT_USAGE) == 0


@pytest.mark.parametrize(
    "stated",
    [
        {"gen_ai.response.time_to_first_chunk": 0.5},
        {"gen_ai.client.operation.time_to_first_chunk": 0.5},
    ],
)
def test_the_first_chunk_of_a_stream_is_told_by_the_span(
    agent: Agent, tracer: Tracer, stated: dict[str, Any]
) -> None:
    spell(tracer, {**NEWEST, **stated})

    text = scrape(agent)
    assert total(text, f"{TIME_TO_FIRST_CHUNK.name}_sum") == 0.5
    assert total(text, f"{TIME_PER_OUTPUT_TOKEN.name}_sum") == pytest.approx(1.5 / 19)


def test_the_first_chunk_of_a_stream_is_told_by_an_event(agent: Agent, tracer: Tracer) -> None:
    span = tracer.start_span("span", attributes=NEWEST, start_time=1_000_000_000)
    span.add_event("llm.content.completion.chunk", timestamp=1_250_000_000)
    span.add_event("llm.content.completion.chunk", timestamp=1_500_000_000)
    span.end(3_000_000_000)

    assert total(scrape(agent), f"{TIME_TO_FIRST_CHUNK.name}_sum") == 0.25


@pytest.mark.parametrize("first_chunk", [-1.0, 0, 99, "soon", True])
def test_a_first_chunk_that_cannot_be_is_not_recorded(
    agent: Agent, tracer: Tracer, first_chunk: object
) -> None:
    spell(tracer, {**NEWEST, "gen_ai.response.time_to_first_chunk": first_chunk})

    assert total(scrape(agent), f"{TIME_TO_FIRST_CHUNK.name}_count") == 0


@pytest.mark.parametrize("count", [-1, float("nan"), float("inf"), 2.5, "many", True, 2**60])
def test_a_count_of_tokens_that_cannot_be_is_unknown(
    agent: Agent, tracer: Tracer, count: object
) -> None:
    tokens = {"gen_ai.usage.input_tokens": count, "gen_ai.usage.output_tokens": count}
    spell(tracer, {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **tokens})

    assert counted(agent).tokens == {}
    assert total(scrape(agent), CALLS_WITHOUT_USAGE) == 1


def test_tools_are_counted_by_name_type_and_failure(agent: Agent, tracer: Tracer) -> None:
    operation = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
    spell(tracer, {**operation, "gen_ai.tool.type": "extension"})
    spell(tracer, {**operation, "gen_ai.tool.type": "of my own"})
    spell(tracer, {**operation, "error.type": "builtins.TimeoutError"})

    name = "gen_ai_execute_tool_duration_seconds_count"
    kinds = by_label(samples(scrape(agent)), name, "gen_ai_tool_type")
    assert kinds == {"extension": 1, "_OTHER": 1, "function": 1}
    assert by_label(samples(scrape(agent)), name, "error_type") == {"": 2, "timeout": 1}


def test_invocations_of_agents_count_the_calls_and_tools_within(
    agent: Agent, tracer: Tracer
) -> None:
    planner = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}
    with tracer.start_as_current_span("agent", attributes=planner):
        spell(tracer, NEWEST)
        with tracer.start_as_current_span("in between"):
            spell(tracer, NEWEST)
            with agent.llm_call("openai", "gpt-4o"):
                pass
        tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
        with tracer.start_as_current_span("tool", attributes=tool):
            spell(tracer, NEWEST)

    text = scrape(agent)
    assert total(text, f"{INVOKE_AGENT_DURATION.name}_count", gen_ai_agent_name="planner") == 1
    assert total(text, f"{INVOKE_AGENT_INFERENCE_CALLS.name}_sum") == 4
    assert total(text, f"{INVOKE_AGENT_TOOL_CALLS.name}_sum") == 1
    assert counted(agent).calls == 4


def test_workflows_are_counted_by_name(agent: Agent, tracer: Tracer) -> None:
    spell(tracer, {"gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "refund"})

    name = f"{INVOKE_WORKFLOW_DURATION.name}_sum"
    assert total(scrape(agent), name, gen_ai_workflow_name="refund") == 2


def test_evaluations_are_counted_where_they_are_shares(agent: Agent, tracer: Tracer) -> None:
    with tracer.start_as_current_span("any span") as span:
        for score in (0.25, 0.75, 4, -1.0, "good", True):
            stated = {"gen_ai.evaluation.name": "relevance", "gen_ai.evaluation.score.value": score}
            span.add_event("gen_ai.evaluation.result", stated)
        span.add_event("gen_ai.evaluation.result")

    text = scrape(agent)
    assert total(text, f"{EVALUATION_SCORE.name}_count", gen_ai_evaluation_name="relevance") == 2
    assert total(text, EVALUATION_LAST_SCORE, gen_ai_evaluation_name="relevance") == 0.75


def test_spans_belong_to_the_agent_whose_task_is_open_where_they_begin(
    make_agent: MakeAgent, agent: Agent, tracer: Tracer
) -> None:
    other = make_agent(name="other")
    other.start()

    with agent.task():
        span = tracer.start_span("chat", attributes=NEWEST)
    span.end()
    spell(tracer, NEWEST)

    assert counted(agent).calls == 1
    assert counted(other).calls == 1


def test_spans_of_a_process_without_an_agent_are_left_alone(tracer: Tracer, agent: Agent) -> None:
    agent.stop()

    spell(tracer, NEWEST)


def test_names_that_are_not_text_or_far_too_long_do_no_harm(agent: Agent, tracer: Tracer) -> None:
    hostile = {"gen_ai.request.model": "m" * 10_000 + "\n", "gen_ai.provider.name": ["a", "b"]}
    spell(tracer, {**NEWEST, **hostile})

    assert counted(agent).calls == 1


def test_a_failure_inside_never_reaches_the_tracer(
    make_agent: MakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = make_agent(strict=False)
    agent.start()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(PulseGuardSpanProcessor(agent))

    with monkeypatch.context() as broken:
        broken.setattr(agent._recorder, "calls", None)
        spell(provider.get_tracer("tests"), NEWEST)
        call_began = CALL_LISTENERS[-1]
        broken.setattr("pulseguard.otel.span_meter.get_current_span", None)
        call_began("chat")

    spell(provider.get_tracer("tests"), NEWEST)
    provider.shutdown()
    assert counted(agent).calls == 1
    failures = by_label(samples(scrape(agent)), EXPORTER_FAILURES.name, "operation")
    assert failures == {"begin a span": 1, "record a span": 1, "see a call in a span": 1}


def test_the_trace_of_a_span_is_the_exemplar_of_its_call(agent: Agent, tracer: Tracer) -> None:
    with tracer.start_as_current_span("chat", attributes=NEWEST) as span:
        trace_id = f"{span.get_span_context().trace_id:032x}"

    assert f'# {{trace_id="{trace_id}"}}' in scrape(agent, "application/openmetrics-text")
