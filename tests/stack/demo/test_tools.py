"""Tools: what the model asks for is done, and what cannot be done the model is told."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Iterator

import pytest
from openai.types.chat import ChatCompletionMessageFunctionToolCall

from pulseguard import Agent
from pulseguard_stack.demo.errors import ToolFailed
from pulseguard_stack.demo.tools import Tool, Toolbox


@pytest.fixture
def agent(tmp_path, monkeypatch) -> Iterator[Agent]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with Agent("tool-user", instance="one", metrics_port=0, strict=True) as started:
        yield started


async def look(what: str) -> str:
    return f"seen: {what}"


async def fall(what: str) -> str:
    raise ToolFailed(f"no {what} here")


def use(agent: Agent, name: str, arguments: str) -> object:
    toolbox = Toolbox(agent, [Tool("look", "Looks.", "what", look), Tool("fall", "", "what", fall)])
    wanted = ChatCompletionMessageFunctionToolCall.model_validate(
        {"id": "call-1", "type": "function", "function": {"name": name, "arguments": arguments}}
    )
    return asyncio.run(toolbox.use(wanted))


def failures(agent: Agent) -> int:
    with urllib.request.urlopen(f"http://{agent.metrics_address}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    wanted = 'pulseguard_errors_total{error_type="_OTHER",source="tool"} '
    return sum(int(float(line.rpartition(" ")[2])) for line in lines if line.startswith(wanted))


def test_a_tool_answers_the_model(agent):
    answer = use(agent, "look", '{"what": "a lamp"}')

    assert answer == {"role": "tool", "tool_call_id": "call-1", "content": "seen: a lamp"}
    assert failures(agent) == 0


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("fall", '{"what": "floor"}', "Failed: no floor here"),
        ("look", '{"where": "here"}', "Failed: look needs what"),
        ("look", "not JSON", "Failed: look needs what"),
        ("look", "[1]", "Failed: look needs what"),
        ("dance", "{}", "Failed: there is no tool dance"),
    ],
)
def test_what_a_tool_cannot_do_the_model_is_told_and_the_failure_is_measured(
    agent, name, arguments, told
):
    answer = use(agent, name, arguments)

    assert answer == {"role": "tool", "tool_call_id": "call-1", "content": told}
    assert failures(agent) == 1
