"""Tools that a model may call: told to the model, used and measured by the agent."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from openai.types.chat import (
    ChatCompletionFunctionToolParam,
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionToolMessageParam,
)

from pulseguard import Agent
from pulseguard_stack.demo.errors import ToolFailed


@dataclass(frozen=True)
class Tool:
    """A tool with one argument, a text; `run` answers a text or raises ToolFailed."""

    name: str
    description: str
    argument: str
    run: Callable[[str], Awaitable[str]]

    @property
    def told(self) -> ChatCompletionFunctionToolParam:
        """The tool as the model is told of it."""
        parameters: dict[str, object] = {
            "type": "object",
            "properties": {self.argument: {"type": "string"}},
            "required": [self.argument],
        }
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": parameters,
            },
        }


class Toolbox:
    """The tools of one agent."""

    def __init__(self, agent: Agent, tools: Iterable[Tool]) -> None:
        self._agent = agent
        self._tools = {tool.name: tool for tool in tools}

    @property
    def told(self) -> list[ChatCompletionFunctionToolParam]:
        """All tools as the model is told of them."""
        return [tool.told for tool in self._tools.values()]

    async def use(
        self, wanted: ChatCompletionMessageFunctionToolCall
    ) -> ChatCompletionToolMessageParam:
        """Does what the model asked for; a failure is measured, and the model is told of it."""
        try:
            with self._agent.tool(wanted.function.name):
                content = await self._run(wanted.function.name, wanted.function.arguments)
        except ToolFailed as failure:
            content = f"Failed: {failure}"
        return {"role": "tool", "tool_call_id": wanted.id, "content": content}

    async def _run(self, name: str, arguments: str) -> str:
        tool = self._tools.get(name)
        if tool is None:
            raise ToolFailed(f"there is no tool {name}")
        try:
            argument = json.loads(arguments)[tool.argument]
        except (ValueError, LookupError, TypeError) as error:
            raise ToolFailed(f"{name} needs {tool.argument}") from error
        return await tool.run(str(argument))
