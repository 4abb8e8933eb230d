"""What the simulated model says: thinking, then text, a known answer, or tool calls."""

from __future__ import annotations

import json
from dataclasses import dataclass
from random import Random
from typing import Literal

from pulseguard_stack.model_server.errors import bad_request
from pulseguard_stack.model_server.messages.request import MessagesRequest, Tool
from pulseguard_stack.model_server.prose import write_prose
from pulseguard_stack.model_server.questions import answer_question, find_question
from pulseguard_stack.model_server.schema_values import Schema, value_for
from pulseguard_stack.model_server.tokens import tokenize
from pulseguard_stack.model_server.tool_calls import TWO_CALLS_SHARE, Call, compose_call


@dataclass(frozen=True)
class Answer:
    """What will be sent: the tokens of the thinking, and those of a text, or calls."""

    thinking: tuple[str, ...]
    text: tuple[str, ...]
    calls: tuple[Call, ...]
    stop_reason: Literal["end_turn", "max_tokens", "tool_use"]

    @property
    def output_tokens(self) -> int:
        """Output tokens without thinking."""
        return len(self.text) + sum(call.tokens for call in self.calls)


def compose_answer(request: MessagesRequest, right_share: float, luck: Random) -> Answer:
    """The answer to a request. Tool calls are never shortened, a text is, at `max_tokens`."""
    thinking = tuple(tokenize(write_prose(luck))) if request.wants_thinking else ()
    if len(thinking) >= request.max_tokens:
        return Answer(thinking[: request.max_tokens], (), (), "max_tokens")
    tools = _tools_to_call(request, luck)
    if tools:
        return Answer(thinking, (), tuple(_call(tool, luck) for tool in tools), "tool_use")
    text = tokenize(_text(request, right_share, luck))
    kept = tuple(text[: request.max_tokens - len(thinking)])
    return Answer(thinking, kept, (), "end_turn" if len(kept) == len(text) else "max_tokens")


def _tools_to_call(request: MessagesRequest, luck: Random) -> list[Tool]:
    """With `auto` a tool is called once per question: not when its result has just come."""
    tools = [tool for tool in request.tools or () if tool.input_schema is not None]
    choice = request.tool_choice
    kind = "auto" if choice is None else choice.type
    if not tools or kind == "none":
        return []
    if choice is not None and kind == "tool":
        return [tool for tool in tools if tool.name == choice.name][:1]
    if kind == "auto" and request.messages[-1].brings_results:
        return []
    single = choice is not None and choice.disable_parallel_tool_use
    several = not single and luck.random() < TWO_CALLS_SHARE
    return luck.sample(tools, 2 if several and len(tools) > 1 else 1)


def _call(tool: Tool, luck: Random) -> Call:
    arguments = _fitting(tool.input_schema or {}, "tools", luck)
    return compose_call(f"toolu_sim_{luck.getrandbits(96):024x}", tool.name, arguments)


def _text(request: MessagesRequest, right_share: float, luck: Random) -> str:
    form = request.output_config and request.output_config.format
    if form:
        return json.dumps(_fitting(form.json_schema, "output_config.format", luck))
    asked = next((one.text for one in reversed(request.messages) if one.role == "user"), "")
    question = find_question(asked)
    return answer_question(question, right_share, luck).text if question else write_prose(luck)


def _fitting(schema: Schema, param: str, luck: Random) -> object:
    try:
        return value_for(schema, luck)
    except ValueError as error:
        raise bad_request(f"{param}: invalid schema: {error}", param) from error
