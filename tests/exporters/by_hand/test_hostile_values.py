"""Whatever is passed to whatever call: nothing escapes, the page stays valid."""

import contextlib
import inspect
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pulseguard import Agent
from pulseguard.catalog import (
    ERRORS,
    EXECUTE_TOOL_DURATION,
    EXPORTER_FAILURES,
    GUARDRAIL_TRIGGERS,
    OTHER,
    WAITING_SECONDS,
)
from tests.exporters.by_hand.hostile import FRESH, HOSTILE, PROMPT, Raising
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import (
    PROMETHEUS_ACCEPTS,
    openmetrics_names,
    promtool_complaints,
    samples,
    scrape,
    total,
)

BLOCKS = {
    *("task", "llm_call", "tool", "api_call", "invoke", "workflow"),
    *("mcp_call", "mcp_session", "waiting"),
}
METRICS = {"counter", "gauge", "histogram"}
EVENTS = {
    *("evaluation", "queue", "watch_queue", "guardrail", "human_intervention", "loop_suspicion"),
    *("context_compacted", "progress", "failed", "recovered", "this_call"),
}
LIFE = {"start", "stop", "name", "environment", "instance", "agent_id", "metrics_address"}
CALLS = 120_000 if os.environ.get("PULSEGUARD_TEST_LONG") else 12_000
CALLS_AT_ONCE = 100

Values = tuple[Any, ...]
Attempt = Callable[..., Any]


def test_these_are_all_the_public_calls(make_agent: MakeAgent) -> None:
    public = {name for name in dir(make_agent()) if not name.startswith("_")}

    assert public == BLOCKS | METRICS | EVENTS | LIFE


def of_kind(one: object, *methods: str) -> list[Attempt]:
    return [getattr(one, name) for name in methods if hasattr(one, name)]


def use(agent: Agent, name: str, values: Values, attempt: Attempt) -> None:
    """Call it with these values, and whatever it gives with them too."""
    if name == "queue":
        attempt(agent.queue, pending=values[0], oldest_age_seconds=values[-1])
        return
    made = attempt(getattr(agent, name), *arguments(agent, name, values))
    if name in METRICS:
        made = attempt(made.labels, kind=values[0]) if len(values) % 2 else made
        for record in of_kind(made, "inc", "dec", "set", "observe"):
            attempt(record, values[-1])
    elif name in BLOCKS:
        use_block(made, values, attempt)


def arguments(agent: Agent, name: str, values: Values) -> Values:
    """As many of them as there are parameters: of what is too much, Python itself complains."""
    parameters = inspect.signature(getattr(agent, name)).parameters.values()
    return values[: sum(each.kind is not inspect.Parameter.KEYWORD_ONLY for each in parameters)]


def use_block(block: Any, values: Values, attempt: Attempt) -> None:
    way = len(values)
    if way == 1:
        attempt(block.begin)
    told = of_kind(block, "error", "fail", "cancel", "status", "retries", "context", "first_chunk")
    for tell in told:
        attempt(tell, *values[: len(inspect.signature(tell).parameters)])
    if hasattr(block, "usage"):
        attempt(block.usage, input_tokens=values[0], output_tokens=values[-1])
    if way == 1:
        attempt(block.end, values[0])
        attempt(block.end, None, values[0])
    elif way == 2:
        attempt(block, values[0])
        attempt(run_with, block)
    elif way == 3:
        decorated = attempt(block, lambda value: value)
        attempt(decorated, values[0])
    else:
        error = values[0] if issubclass(type(values[0]), Exception) else ValueError(PROMPT)
        attempt(run_failing, block, error)


def run_with(block: Any) -> None:
    async def run() -> None:
        async with block:
            pass

    with contextlib.suppress(StopIteration):
        run().send(None)


def run_failing(block: Any, error: Exception) -> None:
    passed: BaseException | None = None
    try:
        with block:
            raise error
    except Exception as raised:
        passed = raised
    assert passed is error


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
        st.sampled_from(sorted(BLOCKS | METRICS | EVENTS)), st.lists(value, min_size=1, max_size=4)
    )

    @settings(
        max_examples=CALLS // CALLS_AT_ONCE,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(call, min_size=CALLS_AT_ONCE, max_size=CALLS_AT_ONCE))
    def use_some(calls: list[tuple[str, list[int]]]) -> None:
        for name, numbers in calls:
            use(agent, name, tuple(map(hostile, numbers)), attempt)
        assert escaped == []

    use_some()
    agent.queue(pending=1)
    agent.watch_queue(None)

    text = scrape(agent)
    assert called >= CALLS
    assert total(text, EXPORTER_FAILURES) > 1000
    assert promtool_complaints(text) == ""
    assert len(samples(text)) <= 1000
    assert openmetrics_names(scrape(agent, PROMETHEUS_ACCEPTS))
    assert PROMPT not in caplog.text


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
        if argument == "strict":
            continue
        agent = make_agent(**{"strict": False, argument: hostile(number)})
        agent.evaluation("accuracy", 1)

    assert max(map(len, caplog.messages), default=0) < 1000


def test_an_agent_starts_and_stops_however_it_is_told(make_agent: MakeAgent) -> None:
    for number in range(len(HOSTILE) + len(FRESH)):
        agent = make_agent(strict=False)
        agent.start()
        agent.stop(hostile(number))
        agent.stop()
