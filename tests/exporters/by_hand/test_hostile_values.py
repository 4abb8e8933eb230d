"""Whatever is passed to whatever call: nothing escapes, the page stays valid."""

import inspect
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider

import pulseguard
from pulseguard import Agent
from pulseguard.catalog import (
    ERRORS,
    EXECUTE_TOOL_DURATION,
    EXPORTER_FAILURES,
    GUARDRAIL_TRIGGERS,
    OTHER,
    WAITING_SECONDS,
)
from pulseguard.instrumentation import is_measured
from pulseguard.otel import PulseGuardSpanProcessor
from tests.exporters.by_hand.hostile import FRESH, HOSTILE, PROMPT, Raising
from tests.exporters.by_hand.using import BLOCKS, EVENTS, MAKING, METRICS, setting, use
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import (
    PROMETHEUS_ACCEPTS,
    openmetrics_names,
    promtool_complaints,
    samples,
    scrape,
    total,
    wait_until,
)

LIFE = {"start", "stop", "name", "environment", "instance", "agent_id", "metrics_address"}
CALLS = 100_000 if os.environ.get("PULSEGUARD_TEST_LONG") else 4_000
USES_AT_ONCE = 100


@pytest.fixture(autouse=True)
def nothing_instrumented() -> Iterator[None]:
    yield
    pulseguard.uninstrument()


def test_these_are_all_the_public_calls(make_agent: MakeAgent) -> None:
    public = {name for name in dir(make_agent()) if not name.startswith("_")}

    assert public == BLOCKS | METRICS | EVENTS | LIFE


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_nothing_escapes_and_the_page_stays_valid(
    make_agent: MakeAgent, caplog: pytest.LogCaptureFixture
) -> None:
    agent = make_agent(strict=False)
    agent.start()
    called, escaped = 0, list[str]()

    def attempt(function: Callable[..., Any], *values: Any, **named: Any) -> Any:
        nonlocal called
        called += 1
        try:
            return function(*values, **named)
        except BaseException as error:
            escaped.append(f"{type(error).__name__} from {function!r} with {len(values)} values")
            return None

    # By number: hypothesis itself would ask the values for their hash and their text.
    value = st.integers(0, len(HOSTILE) + len(FRESH) - 1)
    call = st.tuples(
        # Agents last: it draws from the front more often, and they are slow to make.
        st.sampled_from([*sorted(BLOCKS | METRICS | EVENTS), *sorted(MAKING, reverse=True)]),
        st.lists(value, min_size=1, max_size=4),
    )

    @settings(
        max_examples=CALLS * 4 // 5 // USES_AT_ONCE,  # each is of several calls
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(call, min_size=USES_AT_ONCE, max_size=USES_AT_ONCE))
    def use_some(calls: list[tuple[str, list[int]]]) -> None:
        for name, numbers in calls:
            use(agent, name, tuple(map(hostile, numbers)), attempt)
        assert escaped == []

    use_some()
    agent.queue(pending=1)
    agent.watch_queue(None)

    text = scrape(agent)
    assert called >= 2 * CALLS
    assert total(text, EXPORTER_FAILURES) > 1000
    assert promtool_complaints(text) == ""
    assert len(samples(text)) <= 1000
    assert openmetrics_names(scrape(agent, PROMETHEUS_ACCEPTS))
    assert PROMPT not in caplog.text
    assert max(map(len, caplog.messages)) < 1000


def hostile(number: int) -> Any:
    return HOSTILE[number] if number < len(HOSTILE) else FRESH[number - len(HOSTILE)]()


def test_a_word_that_cannot_even_be_compared_costs_nothing_else(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()
    word: Any = Raising()

    with agent.tool("search", word) as tool:
        tool.error(word)
    with agent.task() as task, agent.waiting(word):
        task.fail(word)
    agent.guardrail("pii", word)
    agent.failed(word)

    text = scrape(agent)
    tools = f"{EXECUTE_TOOL_DURATION.name}_count"
    assert total(text, tools, gen_ai_tool_name="search", gen_ai_tool_type=OTHER) == 1
    assert total(text, GUARDRAIL_TRIGGERS, guardrail="pii", action=OTHER) == 1
    assert total(text, WAITING_SECONDS, reason=OTHER) > 0
    for source in ("tool", "task", "agent"):
        assert total(text, ERRORS, source=source, error_type=OTHER) == 1


@pytest.mark.parametrize("argument", list(inspect.signature(Agent).parameters))
def test_an_agent_is_made_of_whatever_it_is_given(
    make_agent: MakeAgent, argument: str, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(len(HOSTILE) + len(FRESH)):
        agent = make_agent(**{"strict": False, argument: setting(hostile(number))})
        agent.evaluation("accuracy", 1)

    assert max(map(len, caplog.messages), default=0) < 1000


@pytest.mark.parametrize("argument", ["key_file", "metrics_token_file"])
def test_a_path_of_any_length_is_told_in_a_short_line(
    make_agent: MakeAgent, argument: str, caplog: pytest.LogCaptureFixture
) -> None:
    paths = {argument: "x" * 1_000_000, "registry_url": "http://127.0.0.1:9"}
    agent = make_agent(strict=False, **paths)

    agent.start()
    wait_until(lambda: "too long" in caplog.text)

    assert max(map(len, caplog.messages)) < 1000


def test_an_agent_starts_and_stops_however_it_is_told(make_agent: MakeAgent) -> None:
    for number in range(len(HOSTILE) + len(FRESH)):
        agent = make_agent(strict=False)
        agent.start()
        agent.stop(hostile(number))
        agent.stop()


def test_a_word_that_cannot_be_compared_keeps_no_library_measured() -> None:
    assert pulseguard.instrument("openai") == ("openai",)

    pulseguard.uninstrument(Raising(), "openai")  # type: ignore[arg-type]

    assert not is_measured("openai")


def test_spans_are_counted_for_nobody_where_the_agent_is_none() -> None:
    provider = TracerProvider()
    for number in range(len(HOSTILE) + len(FRESH)):
        provider.add_span_processor(PulseGuardSpanProcessor(hostile(number)))

    with provider.get_tracer("any").start_as_current_span("chat") as span:
        span.set_attribute("gen_ai.operation.name", "chat")

    provider.shutdown()
