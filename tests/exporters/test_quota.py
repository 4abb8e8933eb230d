"""The number of series is bounded, and what has no room is folded so that sums stay true."""

import gc
import os
import threading
import tracemalloc
from collections.abc import Callable

import psutil
import pytest

from pulseguard.catalog import (
    AGENT_METRICS,
    EVALUATION_SCORE,
    EXECUTE_TOOL_DURATION,
    EXPORTER_DROPPED,
    EXPORTER_SERIES,
    EXPORTER_SERIES_LIMIT,
    HTTP_CLIENT_DURATION,
    OPERATION_DURATION,
    OTHER,
    TIME_TO_FIRST_CHUNK,
    TOKENS,
    Detail,
)
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import samples, scrape, total

THREADS = 8
# A million in all, or as many as show the same within seconds; by six ways, so many of each.
VALUES_A_THREAD = 126_000 if os.environ.get("PULSEGUARD_TEST_LONG") else 7_200


@pytest.mark.parametrize("detail", ["lean", "standard"])
@pytest.mark.parametrize("limit", [500, 1000, 2000])
def test_any_number_of_distinct_values_stays_within_the_limit(
    make_agent: MakeAgent, detail: Detail, limit: int
) -> None:
    agent = make_agent(detail=detail, series_limit=limit)
    agent.start()

    def record(thread: int) -> None:
        for number in range(250):
            name = f"{thread}-{number}"
            with agent.tool(name) as tool, agent.api_call(name) as outbound:
                outbound.status(500)
                if number % 2:
                    tool.error(("timeout", "auth", "network")[number % 3])
            agent.evaluation(name, 0.5)
            with agent.task(), agent.llm_call(name, name, name) as call:
                call.first_chunk()
                call.usage(input_tokens=3, output_tokens=2)
                call.context(window=10)

    in_threads(record)

    text = scrape(agent)
    assert len(samples(text)) <= limit
    assert total(text, EXPORTER_SERIES) == len(samples(text))
    assert total(text, EXPORTER_SERIES_LIMIT) == limit
    for metric in (EXECUTE_TOOL_DURATION, HTTP_CLIENT_DURATION, EVALUATION_SCORE):
        assert total(text, f"{metric.name}_count") == 2000
    for metric in (OPERATION_DURATION, TIME_TO_FIRST_CHUNK):
        assert total(text, f"{metric.name}_count") == 2000
    assert total(text, TOKENS, gen_ai_token_type="input") == 6000
    assert total(text, TOKENS, gen_ai_token_type="output") == 4000
    failed_tools = total(text, f"{EXECUTE_TOOL_DURATION.name}_count") - total(
        text, f"{EXECUTE_TOOL_DURATION.name}_count", error_type=""
    )
    assert failed_tools == 1000
    assert total(text, EXPORTER_DROPPED, metric=EXECUTE_TOOL_DURATION.name) > 1900


def in_threads(record: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=record, args=(thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_million_distinct_values_stay_within_the_limit_and_are_remembered_by_nobody(
    make_agent: MakeAgent,
) -> None:
    agent = make_agent()
    agent.start()
    documents = agent.counter("documents_total", labels=("kind",))
    pages = agent.histogram("pages", labels=("kind",))
    process = psutil.Process()

    def record(numbers: range) -> Callable[[int], None]:
        def record_in(thread: int) -> None:
            for number in numbers:
                record_one(number % 6, f"thread {thread} value {number}")

        return record_in

    def record_one(way: int, name: str) -> None:
        if way == 0:
            documents.labels(kind=name).inc(2)
        elif way == 1:
            pages.labels(kind=name).observe(0.5)
        elif way == 2:
            agent.evaluation(name, 0.5)
        elif way == 3:
            with agent.tool(name):
                pass
        elif way == 4:
            with agent.api_call(name):
                pass
        else:
            with agent.llm_call(name, name) as call:
                call.usage(input_tokens=3)

    in_threads(record(range(1200)))
    scrape(agent)
    held_bytes = process.memory_info().rss
    in_threads(record(range(1200, VALUES_A_THREAD)))
    gc.collect()
    grown_bytes = process.memory_info().rss - held_bytes

    text = scrape(agent)
    each = THREADS * VALUES_A_THREAD // 6
    assert len(samples(text)) <= 1000
    assert total(text, "agent_documents_total") == 2 * each
    assert total(text, "agent_pages_count") == 2 * total(text, "agent_pages_sum") == each
    assert total(text, f"{EVALUATION_SCORE.name}_sum") == each / 2
    for metric in (EVALUATION_SCORE, EXECUTE_TOOL_DURATION, HTTP_CLIENT_DURATION):
        assert total(text, f"{metric.name}_count") == each
    assert total(text, f"{OPERATION_DURATION.name}_count") == each
    assert total(text, TOKENS) == 3 * each
    folded = total(text, "agent_pages_count", kind=OTHER)
    assert total(text, EXPORTER_DROPPED, metric="agent_pages") == folded > each - 200
    assert grown_bytes < 2 << 20


def test_models_are_folded_last(make_agent: MakeAgent) -> None:
    agent = make_agent(detail="standard", series_limit=500)
    agent.start()

    for number in range(100):
        with agent.tool(f"tool {number}"):
            pass
    with agent.llm_call("openai", "gpt-4o"):
        pass

    text = scrape(agent)
    tools = f"{EXECUTE_TOOL_DURATION.name}_count"
    assert total(text, tools, gen_ai_tool_name=OTHER) > 50
    assert total(text, f"{OPERATION_DURATION.name}_count", gen_ai_request_model="gpt-4o") == 1


def test_what_was_kept_apart_before_stays_so(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    for number in range(50):
        with agent.llm_call("openai", f"model {number}"):
            pass
    with agent.llm_call("openai", "model 0"):
        pass

    calls = f"{OPERATION_DURATION.name}_count"
    assert total(scrape(agent), calls, gen_ai_request_model="model 0") == 2
    assert total(scrape(agent), calls) == 51


def test_names_without_room_take_no_memory(make_agent: MakeAgent) -> None:
    agent = make_agent()

    def record(first: int, last: int) -> None:
        for number in range(first, last):
            with agent.tool(f"tool {number}"), agent.llm_call("p", f"model {number}"):
                agent.evaluation(f"evaluation {number}", 1)

    record(0, 100)
    tracemalloc.start()
    try:
        record(100, 2100)
        # Python keeps up to 2,000 freed tuples of each length until a full collection.
        gc.collect()
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert grown < 100_000


def typical_agent_series(make_agent: MakeAgent, detail: Detail) -> int:
    """2 models, 12 tools, 4 error values, 2 evaluations."""
    agent = make_agent(detail=detail)
    agent.start()
    for model in ("gpt-4o", "gpt-4o-mini"):
        for error in (None, "timeout", "rate_limit", "server_error", "network"):
            with agent.task() as task, agent.llm_call("openai", model) as call:
                call.first_chunk()
                call.usage(input_tokens=10, output_tokens=5)
                call.context(window=1000)
                if error:
                    call.error(error)
                    task.fail(error)
    for number in range(12):
        with agent.tool(f"tool {number}"):
            pass
    for error in ("timeout", "rate_limit", "server_error", "network"):
        with agent.tool("tool 0") as tool:
            tool.error(error)
    for evaluation in ("accuracy", "confidence"):
        agent.evaluation(evaluation, 0.9)
    return len(samples(scrape(agent)))


def test_the_typical_agent_is_lean(make_agent: MakeAgent) -> None:
    assert typical_agent_series(make_agent, "lean") <= 375
    assert typical_agent_series(make_agent, "standard") <= 860


def test_lean_bounds_are_bounds_of_the_standard_table() -> None:
    for metric in AGENT_METRICS:
        assert set(metric.bounds("lean")) <= set(metric.bounds("standard"))
        assert len(metric.bounds("lean")) in (0, 6) or len(metric.buckets) < 14
