"""The body of a response request, checked, as the conversation that a chat would have.

After https://platform.openai.com/docs/api-reference/responses/create. Parameters that change
nothing here are accepted and ignored; so is `previous_response_id`: nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from pulseguard_stack.model_server.bodies import Wire, read_body
from pulseguard_stack.model_server.chat_completions.request import (
    ChatRequest,
    Function,
    FunctionCall,
    FunctionName,
    JsonSchema,
    Message,
    NamedTool,
    Part,
    ResponseFormat,
    Tool,
    ToolCall,
)
from pulseguard_stack.model_server.dialect import about
from pulseguard_stack.model_server.errors import Refusal, bad_request


class Item(Wire):
    """One item of the input: a turn, a call of an earlier answer, or its result."""

    type: str = "message"
    role: Literal["developer", "system", "user", "assistant"] | None = None
    content: str | list[Part] | None = None
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    output: str | list[Part] = ""


class FunctionTool(Function):
    """A tool; functions only."""

    type: Literal["function"]


class NamedChoice(Wire):
    """The tool that must be called."""

    type: Literal["function"]
    name: str


class Format(Wire):
    """The form of the answer's text (Any: a JSON schema of any shape)."""

    type: Literal["text", "json_object", "json_schema"]
    name: str = ""
    json_schema: Annotated[dict[str, Any] | None, Field(alias="schema")] = None


class Text(Wire):
    """What the text is to be like."""

    format: Format | None = None


class Reasoning(Wire):
    """How much to reason."""

    effort: str | None = None


class ResponsesRequest(Wire):
    """A response request."""

    model: Annotated[str, Field(min_length=1)]
    input: Annotated[str, Field(min_length=1)] | Annotated[list[Item], Field(min_length=1)]
    instructions: str | None = None
    stream: bool | None = None
    tools: Annotated[list[FunctionTool], Field(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedChoice | None = None
    parallel_tool_calls: bool | None = None
    text: Text | None = None
    reasoning: Reasoning | None = None
    max_output_tokens: Annotated[int, Field(ge=16)] | None = None

    @property
    def wants_stream(self) -> bool:
        """Whether the answer is to come in pieces."""
        return bool(self.stream)

    def conversation(self) -> ChatRequest:
        """The same as a chat: what the simulated model answers to."""
        choice = self.tool_choice
        if isinstance(choice, NamedChoice):
            named = NamedTool(type="function", function=FunctionName(name=choice.name))
        return ChatRequest(
            model=self.model,
            messages=list(self._turns()) or [Message(role="user", content="")],
            tools=[_tool(tool) for tool in self.tools] if self.tools else None,
            tool_choice=named if isinstance(choice, NamedChoice) else choice,
            parallel_tool_calls=self.parallel_tool_calls,
            response_format=_response_format(self.text),
            reasoning_effort=self.reasoning.effort if self.reasoning else None,
            max_completion_tokens=self.max_output_tokens,
        )

    def _turns(self) -> Iterator[Message]:
        if self.instructions:
            yield Message(role="developer", content=self.instructions)
        if isinstance(self.input, str):
            yield Message(role="user", content=self.input)
            return
        for item in self.input:
            yield from _turn(item)


def read_request(body: bytes) -> ResponsesRequest:
    """The checked request; raises Refusal (400) naming the parameter at fault."""
    request = read_body(ResponsesRequest, body)
    fault = _contradiction(request)
    if fault is not None:
        raise about(request, fault)
    return request


def _contradiction(request: ResponsesRequest) -> Refusal | None:
    names = {tool.name for tool in request.tools or ()}
    choice = request.tool_choice
    if isinstance(choice, NamedChoice) and choice.name not in names:
        text = f"Tool choice '{choice.name}' not found in 'tools' parameter."
        return bad_request(text, "tool_choice", "invalid_value")
    if choice == "required" and not names:
        return bad_request("'tool_choice' is only allowed when 'tools' are given.", "tool_choice")
    return None


def _turn(item: Item) -> Iterator[Message]:
    if item.type == "message" and item.role is not None:
        yield Message(role=item.role, content=item.content)
    elif item.type == "function_call":
        function = FunctionCall(name=item.name, arguments=item.arguments)
        call = ToolCall(id=item.call_id, function=function)
        yield Message(role="assistant", tool_calls=[call])
    elif item.type == "function_call_output":
        yield Message(role="tool", content=item.output, tool_call_id=item.call_id)


def _tool(tool: FunctionTool) -> Tool:
    function = Function(name=tool.name, description=tool.description, parameters=tool.parameters)
    return Tool(type="function", function=function)


def _response_format(text: Text | None) -> ResponseFormat | None:
    form = text.format if text else None
    if form is None:
        return None
    schema = JsonSchema(name=form.name or "answer", schema=form.json_schema)
    return ResponseFormat(
        type=form.type, json_schema=schema if form.type == "json_schema" else None
    )
