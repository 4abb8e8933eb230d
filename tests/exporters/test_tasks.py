"""How a task ends, and what the agent is doing meanwhile."""

import asyncio
import socket

import pytest

from pulseguard.catalog import (
    AGENT_STATE,
    ERRORS,
    LAST_PROGRESS,
    OPERATION_DURATION,
    TASK_DURATION,
    TASKS,
    TASKS_IN_PROGRESS,
    TASKS_STARTED,
)
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import scrape, total


@pytest.mark.parametrize(
    ("error", "outcome", "error_type"),
    [
        (None, "completed", None),
        (ValueError("x"), "failed", "_OTHER"),
        (TimeoutError(), "timeout", "timeout"),
        (socket.gaierror(), "failed", "network"),
        (KeyboardInterrupt(), "cancelled", None),
        (asyncio.CancelledError(), "cancelled", None),
    ],
)
def test_a_task_ends_in_one_outcome(
    make_agent: MakeAgent, error: BaseException | None, outcome: str, error_type: str | None
) -> None:
    agent = make_agent()
    agent.start()

    passed_through: BaseException | None = None
    try:
        with agent.task():
            if error is not None:
                raise error
    except BaseException as raised:
        passed_through = raised

    text = scrape(agent)
    assert passed_through is error
    assert total(text, TASKS_STARTED) == 1
    assert total(text, TASKS) == total(text, TASKS, outcome=outcome) == 1
    assert total(text, f"{TASK_DURATION.name}_count", outcome=outcome) == 1
    assert total(text, ERRORS, source="task") == (error_type is not None)
    if error_type is not None:
        assert total(text, ERRORS, source="task", error_type=error_type) == 1


def test_a_task_the_agent_gave_up_or_failed_itself(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    with agent.task() as task:
        task.fail("rate_limit")
    with agent.task() as task:
        task.cancel()

    text = scrape(agent)
    assert total(text, TASKS, outcome="failed") == 1
    assert total(text, TASKS, outcome="cancelled") == 1
    assert total(text, ERRORS, source="task", error_type="rate_limit") == 1


def test_a_caller_who_gives_up_is_no_error_of_the_model(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    async def call_and_wait() -> None:
        with agent.task(), agent.llm_call(model="gpt-4o"):
            await asyncio.sleep(60)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(call_and_wait(), 0.01)

    asyncio.run(give_up())

    text = scrape(agent)
    assert total(text, f"{OPERATION_DURATION.name}_count", error_type="") == 1
    assert total(text, ERRORS) == 0
    assert total(text, TASKS, outcome="cancelled") == 1
    assert total(text, TASKS_IN_PROGRESS) == 0


def test_the_state_follows_the_work(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    idle = scrape(agent)
    with agent.task():
        working = scrape(agent)

    assert total(idle, AGENT_STATE, state="idle") == total(idle, AGENT_STATE) == 1
    assert total(working, AGENT_STATE, state="working") == total(working, AGENT_STATE) == 1
    assert total(scrape(agent), LAST_PROGRESS) > 0
