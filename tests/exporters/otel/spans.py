"""Spans and calls made by hand, and how many calls they were counted as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.trace import Tracer

from pulseguard import Agent
from pulseguard.catalog import CALLS_IN_PROGRESS, OPERATION_DURATION
from tests.exporters.observing import scrape, total
from tests.exporters.otel.counted import counted

# A model call in the newest words.
NEWEST: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
    "gen_ai.usage.cache_read.input_tokens": 30,
    "gen_ai.usage.cache_write.input_tokens": 10,
    "gen_ai.usage.reasoning.output_tokens": 5,
}

BY_SPAN: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "by span",
    "gen_ai.usage.input_tokens": 10,
    "gen_ai.usage.output_tokens": 2,
}
TOOL: dict[str, Any] = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}


def spell(tracer: Tracer, attributes: Mapping[str, Any], seconds: float = 2.0) -> None:
    """A span with these attributes that took so long."""
    span = tracer.start_span("span", attributes=attributes, start_time=1_000_000_000)
    span.end(1_000_000_000 + int(seconds * 1e9))


def calls_of(agent: Agent) -> dict[str, int]:
    """Calls by model; nothing may be in progress any more."""
    counted(agent)
    name = f"{OPERATION_DURATION.name}_count"
    text = scrape(agent)
    models = ("by hand", "by span", "embeddings", "inner")
    found = {model: int(total(text, name, gen_ai_request_model=model)) for model in models}
    return {model: count for model, count in found.items() if count}


def call(agent: Agent, operation: str = "chat") -> None:
    """A call as an instrumented client makes it."""
    with agent.llm_call("openai", "by hand", operation) as made:
        made.usage(input_tokens=5, output_tokens=1)


def in_progress(agent: Agent) -> float:
    return total(scrape(agent), CALLS_IN_PROGRESS)
