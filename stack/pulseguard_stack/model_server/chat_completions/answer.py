"""What the simulated model says: text, a known answer, or tool calls; how long it reasons."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import Literal

from pulseguard_stack.model_server.chat_completions.request import ChatRequest, NamedTool, Tool
from pulseguard_stack.model_server.errors import bad_request
from pulseguard_stack.model_server.log_probabilities import TokenProbability, token_probabilities
from pulseguard_stack.model_server.prose import write_prose
from pulseguard_stack.model_server.questions import answer_question, find_question
from pulseguard_stack.model_server.schema_values import Schema, value_for
from pulseguard_stack.model_server.tokens import tokenize
from pulseguard_stack.model_server.tool_calls import TWO_CALLS_SHARE, Call, compose_call

_REASONING_TOKENS = {"none": 0, "minimal": 16, "low": 64, "medium": 192, "high": 640}


@dataclass(frozen=True)
class Answer:
    """What will be sent: the tokens of a text, or calls."""

    text: tuple[str, ...]
    calls: tuple[Call, ...]
    probabilities: tuple[TokenProbability, ...] | None
    reasoning_tokens: int
    finish_reason: Literal["stop", "length", "tool_calls"]

    @property
    def output_tokens(self) -> int:
        """Visible output tokens."""
        return len(self.text) + sum(call.tokens for call in self.calls)


def compose_answer(request: ChatRequest, reasons: bool, right_share: float, luck: Random) -> Answer:
    """The answer to a request. Tool calls are never shortened, a text is, at the output limit."""
    reasoning = _reasoning_tokens(request, luck) if reasons else 0
    limit = request.output_limit
    if limit is not None and reasoning >= limit:
        return Answer((), (), None, limit, "length")
    tools = _tools_to_call(request, luck)
    if tools:
        calls = tuple(_call(tool, luck) for tool in tools)
        return Answer((), calls, None, reasoning, "tool_calls")
    text, is_right = _text(request, right_share, luck)
    tokens = tokenize(text)
    kept = tuple(islice(tokens, None if limit is None else limit - reasoning))
    finish_reason: Literal["stop", "length"] = "stop" if len(kept) == len(tokens) else "length"
    probabilities = None
    if request.logprobs:
        top = request.top_logprobs or 0
        probabilities = tuple(token_probabilities(list(kept), is_right, top, luck))
    return Answer(kept, (), probabilities, reasoning, finish_reason)


def _reasoning_tokens(request: ChatRequest, luck: Random) -> int:
    median = _REASONING_TOKENS.get(request.reasoning_effort or "medium", 192)
    # Reported in steps of 64, as OpenAI's own numbers are.
    return round(median * luck.lognormvariate(0, 0.4) / 64) * 64


def _tools_to_call(request: ChatRequest, luck: Random) -> list[Tool]:
    """With `auto` a tool is called once per question: not when its result has just come."""
    tools, choice = request.tools or [], request.tool_choice
    if not tools or choice == "none":
        return []
    if isinstance(choice, NamedTool):
        return [tool for tool in tools if tool.function.name == choice.function.name][:1]
    if choice != "required" and request.messages[-1].role in ("tool", "function"):
        return []
    several = request.parallel_tool_calls is not False and luck.random() < TWO_CALLS_SHARE
    return luck.sample(tools, 2 if several and len(tools) > 1 else 1)


def _call(tool: Tool, luck: Random) -> Call:
    arguments = _fitting(tool.function.parameters or {}, "tools", luck)
    return compose_call(f"call_{luck.getrandbits(96):024x}", tool.function.name, arguments)


def _fitting(schema: Schema, param: str, luck: Random) -> object:
    try:
        return value_for(schema, luck)
    except ValueError as error:
        raise bad_request(f"Invalid schema in '{param}': {error}.", param) from error


def _text(request: ChatRequest, right_share: float, luck: Random) -> tuple[str, bool | None]:
    form = request.response_format
    if form is not None and form.type != "text":
        schema = (form.json_schema and form.json_schema.json_schema) or {}
        if not schema:
            return json.dumps({"answer": write_prose(luck)}), None
        return json.dumps(_fitting(schema, "response_format", luck)), None
    asked = next((one.text for one in reversed(request.messages) if one.role == "user"), "")
    question = find_question(asked)
    if question is None:
        return write_prose(luck), None
    answer = answer_question(question, right_share, luck)
    return answer.text, answer.is_right
