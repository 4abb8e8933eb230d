"""Blocks as decorators and with `async with`: every kind of function, each call once."""

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mypy import api as mypy

from pulseguard import Agent
from pulseguard.catalog import (
    ERRORS,
    EXECUTE_TOOL_DURATION,
    EXPORTER_FAILURES,
    HTTP_CLIENT_DURATION,
    OPERATION_DURATION,
    TASKS,
    TASKS_IN_PROGRESS,
    TOKENS,
)
from pulseguard.recording.block import Block
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import scrape, total

COUNTS = {
    "task": f"{TASKS.name}",
    "tool": f"{EXECUTE_TOOL_DURATION.name}_count",
    "llm_call": f"{OPERATION_DURATION.name}_count",
    "api_call": f"{HTTP_CLIENT_DURATION.name}_count",
}
BLOCKS: dict[str, Callable[[Agent], Block]] = {
    "task": lambda agent: agent.task(),
    "tool": lambda agent: agent.tool("search"),
    "llm_call": lambda agent: agent.llm_call("openai", "gpt-4o"),
    "api_call": lambda agent: agent.api_call("api.example.com"),
}


@pytest.mark.parametrize("block", BLOCKS)
def test_each_call_of_any_kind_of_function_is_a_block_of_its_own(
    make_agent: MakeAgent, block: str
) -> None:
    agent = make_agent()
    agent.start()
    decorate = BLOCKS[block](agent)

    @decorate
    def function(number: int) -> int:
        return number + 1

    @decorate
    async def coroutine(number: int) -> int:
        await asyncio.sleep(0)
        return number + 1

    @decorate
    def generator(number: int) -> Iterator[int]:
        yield number + 1

    @decorate
    async def async_generator(number: int) -> AsyncIterator[int]:
        yield number + 1

    async def all_of_them() -> list[int]:
        return [
            function(1),
            await coroutine(1),
            *generator(1),
            *[item async for item in async_generator(1)],
        ]

    async def with_async() -> None:
        async with BLOCKS[block](agent):
            await asyncio.sleep(0)

    assert asyncio.run(all_of_them()) == asyncio.run(all_of_them()) == [2, 2, 2, 2]
    asyncio.run(with_async())

    assert total(scrape(agent), COUNTS[block]) == 9
    assert total(scrape(agent), EXPORTER_FAILURES) == 0


def test_a_decorated_function_is_what_it_was(make_agent: MakeAgent) -> None:
    agent = make_agent()

    @agent.tool("plain")
    def plain(query: str, *, limit: int = 5) -> list[str]:
        """Find things."""
        return [query] * limit

    @agent.tool("coroutine")
    async def coroutine() -> None: ...

    @agent.tool("generator")
    def generator() -> Iterator[int]:
        yield 1

    @agent.tool("async generator")
    async def async_generator() -> AsyncIterator[int]:
        yield 1

    assert (plain.__name__, plain.__doc__) == ("plain", "Find things.")
    assert list(inspect.signature(plain).parameters) == ["query", "limit"]
    assert plain("a", limit=2) == ["a", "a"]
    assert inspect.iscoroutinefunction(coroutine)
    assert inspect.isgeneratorfunction(generator)
    assert inspect.isasyncgenfunction(async_generator)


def test_methods_partials_and_callable_objects_can_be_decorated(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    class Searching:
        @agent.tool("method")
        def method(self) -> "Searching":
            return self

        @agent.tool("class method")
        @classmethod
        def of_class(cls) -> "type[Searching]":
            return cls

        @agent.tool("static method")
        @staticmethod
        def of_nobody(number: int) -> int:
            return number

        async def __call__(self, number: int) -> int:
            return number

    searching = Searching()
    called = agent.tool("object")(searching)
    partial = agent.tool("partial")(functools.partial(divmod, 7))

    assert searching.method() is searching
    assert searching.of_class() is Searching
    assert searching.of_nobody(3) == 3
    assert partial(4) == (1, 3)
    assert asyncio.run(called(5)) == 5
    assert total(scrape(agent), COUNTS["tool"]) == 5


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), StopAsyncIteration("x")])
def test_exceptions_pass_untouched(make_agent: MakeAgent, error: BaseException) -> None:
    agent = make_agent()
    agent.start()

    @agent.tool("plain")
    def plain() -> None:
        raise error

    @agent.tool("coroutine")
    async def coroutine() -> None:
        raise error

    @agent.tool("generator")
    def generator() -> Iterator[int]:
        yield 1
        raise error

    def drive(coroutine: Any) -> None:
        coroutine.send(None)

    for run in (plain, lambda: drive(coroutine()), lambda: list(generator())):
        with pytest.raises(type(error)) as caught:
            run()
        assert caught.value is error
        assert caught.value.__context__ is None
        assert caught.value.__cause__ is None

    failed = 0 if isinstance(error, KeyboardInterrupt) else 3
    assert total(scrape(agent), ERRORS, source="tool") == failed
    assert total(scrape(agent), COUNTS["tool"]) == 3


def test_being_cancelled_is_no_failure(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    @agent.task()
    async def work() -> None:
        async for _ in stream():
            await asyncio.sleep(60)

    @agent.llm_call("openai", "gpt-4o")
    async def stream() -> AsyncIterator[int]:
        yield 1

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(work(), 0.01)

    asyncio.run(give_up())

    text = scrape(agent)
    assert total(text, TASKS, outcome="cancelled") == total(text, TASKS) == 1
    assert total(text, COUNTS["llm_call"], error_type="") == 1
    assert total(text, ERRORS) == total(text, TASKS_IN_PROGRESS) == 0


def test_a_decorated_function_may_call_itself_and_run_in_many_tasks(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    @agent.tool("deep")
    def deep(levels: int) -> int:
        return 1 + deep(levels - 1) if levels else 0

    @agent.tool("wide")
    async def wide() -> None:
        await asyncio.sleep(0.001)

    async def many() -> None:
        await asyncio.gather(*(wide() for _ in range(50)))

    assert deep(20) == 20
    asyncio.run(many())

    assert total(scrape(agent), COUNTS["tool"], gen_ai_tool_name="deep") == 21
    assert total(scrape(agent), COUNTS["tool"], gen_ai_tool_name="wide") == 50


def test_what_is_no_function_stays_what_it_was(make_agent: MakeAgent) -> None:
    agent = make_agent(strict=False)
    agent.start()
    block: Any = agent.tool("search")

    class Thing:
        pass

    assert block(Thing) is Thing
    assert block(None) is None
    with block:
        assert block(len) is len
    assert total(scrape(agent), EXPORTER_FAILURES, operation="decorate a function") == 3


def test_the_call_around_decorated_code_can_be_told_its_tokens(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    @agent.llm_call("openai", "gpt-4o")
    async def ask() -> str:
        agent.this_call().usage(input_tokens=3, output_tokens=4)
        return "answer"

    assert asyncio.run(ask()) == "answer"
    agent.this_call().usage(input_tokens=100)

    assert total(scrape(agent), TOKENS) == 7


def test_a_type_checker_keeps_the_signature(tmp_path: Path) -> None:
    checked = tmp_path / "checked.py"
    checked.write_text(
        """
from collections.abc import AsyncIterator
from pulseguard import Agent

agent = Agent("typed")

@agent.tool("search")
async def search(query: str, *, limit: int = 5) -> list[str]:
    return [query] * limit

@agent.llm_call("openai", "gpt-4o")
async def stream(prompt: str) -> AsyncIterator[str]:
    yield prompt

async def use() -> None:
    async with agent.task() as task:
        task.fail("timeout")
    found: list[str] = await search("a", limit=3)
    async for piece in stream("a"):
        found.append(piece)
    await search(1)
    agent.guardrail("pii", action="bark")
    agent.counter("documents_total").labels(kind="pdf").inc(2)
"""
    )

    told, _, _ = mypy.run(["--strict", "--no-incremental", "--config-file=", str(checked)])

    complaints = [line.split("error: ")[1] for line in told.splitlines() if "error: " in line]
    assert [complaint.split(";")[0] for complaint in complaints] == [
        'Argument 1 to "search" has incompatible type "int"',
        'Argument "action" to "guardrail" of "Events" has incompatible type "Literal[\'bark\']"',
    ]
