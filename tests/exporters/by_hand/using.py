"""Every public call of pulseguard, made with whatever values it is given."""

import contextlib
import inspect
import itertools
from collections.abc import Callable
from typing import Any, Final

import pulseguard
from pulseguard import Agent
from pulseguard.otel import PulseGuardSpanProcessor
from tests.exporters.by_hand.hostile import PROMPT

BLOCKS = {
    *("task", "llm_call", "tool", "api_call", "invoke", "workflow"),
    *("mcp_call", "mcp_session", "waiting"),
}
METRICS = {"counter", "gauge", "histogram"}
EVENTS = {
    *("evaluation", "queue", "watch_queue", "guardrail", "human_intervention", "loop_suspicion"),
    *("context_compacted", "progress", "failed", "recovered", "this_call"),
}
MAKING = {"Agent", "instrument", "uninstrument", "PulseGuardSpanProcessor"}

Values = tuple[Any, ...]
Attempt = Callable[..., Any]

# Of an agent that is also started: no name is looked up, and no port taken that others have.
_AT_HOME: Final = {"metrics_host": "127.0.0.1", "metrics_port": 0}
_PARAMETERS: Final = itertools.cycle(inspect.signature(Agent).parameters)


def of_kind(one: object, *methods: str) -> list[Attempt]:
    return [getattr(one, name) for name in methods if hasattr(one, name)]


def use(agent: Agent, name: str, values: Values, attempt: Attempt) -> None:
    """Call it with these values, and whatever it gives with them too."""
    if name in MAKING:
        make(name, values, attempt)
        return
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


def make(name: str, values: Values, attempt: Attempt) -> None:
    if name == "Agent":
        make_agent(values, attempt)
    elif name == "instrument":
        names = ("openai", "anthropic", *map(setting, values))[len(values) % 3 :]
        settings = dict(zip(("agent", "ask_usage", "strict"), map(setting, values), strict=False))
        attempt(pulseguard.instrument, *names)
        attempt(pulseguard.instrument, *names, **settings)
    elif name == "uninstrument":
        attempt(pulseguard.uninstrument, *values)
    else:
        processor = attempt(PulseGuardSpanProcessor, values[0], strict=setting(values[-1]))
        attempt(processor.shutdown)


def make_agent(values: Values, attempt: Attempt) -> None:
    """With these values as the arguments whose turn it is, and a life with them."""
    arguments = {next(_PARAMETERS): setting(value) for value in values}
    agent = attempt(Agent, **{"name": "made", **arguments})
    for known in ("name", "environment", "instance", "agent_id", "metrics_address"):
        attempt(getattr, agent, known)
    agent = attempt(Agent, **{"name": "made", **arguments, **_AT_HOME})
    attempt(agent.start)
    attempt(agent.evaluation, "accuracy", 1)
    attempt(agent.stop, values[0])


def setting(value: Any) -> Any:
    """The value, but for two: True would be strict, and of a setting the log says what it is."""
    told = value is True or (type(value) is str and value == PROMPT)
    return False if told else value


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
