"""The body of a messages request, checked.

After https://platform.claude.com/docs/en/api/messages/create. Parameters that change nothing here
(temperature, stop_sequences, metadata, …) are accepted and ignored, unknown ones too.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from pulseguard_stack.model_server.bodies import Wire, with_model
from pulseguard_stack.model_server.dialect import about
from pulseguard_stack.model_server.errors import Refusal, bad_request


class CacheControl(Wire):
    """A mark: the prompt up to here is to be cached."""

    type: Literal["ephemeral"]


class Block(Wire):
    """One block of a turn; of other kinds than these fields only the kind is read.

    `input` are the arguments of a tool call (Any: of any shape).
    """

    type: str
    text: str = ""
    thinking: str = ""
    name: str = ""
    input: dict[str, Any] | None = None
    content: str | list[Block] | None = None
    cache_control: CacheControl | None = None


class Message(Wire):
    """One turn of the conversation."""

    role: Literal["user", "assistant", "system"]
    content: str | list[Block]

    @property
    def blocks(self) -> list[Block]:
        """The content as blocks."""
        text = self.content
        return [Block(type="text", text=text)] if isinstance(text, str) else text

    @property
    def text(self) -> str:
        """The text of the content, blocks joined by line ends."""
        return "\n".join(block.text for block in self.blocks if block.type == "text")

    @property
    def brings_results(self) -> bool:
        """Whether it answers a tool call."""
        return any(block.type == "tool_result" for block in self.blocks)


class Tool(Wire):
    """A tool; one without a schema (a server tool) is never called here (Any: of any shape)."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    description: str | None = None
    input_schema: dict[str, Any] | None = None
    cache_control: CacheControl | None = None


class ToolChoice(Wire):
    """Whether tools are to be called, and which."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool = False


class Thinking(Wire):
    """Whether the model is to think first."""

    type: Literal["enabled", "adaptive", "between_tools", "disabled"]
    budget_tokens: Annotated[int, Field(ge=1024)] | None = None


class JsonFormat(Wire):
    """The form of the answer's text (Any: a JSON schema has any shape)."""

    type: Literal["json_schema"]
    json_schema: Annotated[dict[str, Any], Field(alias="schema")]


class OutputConfig(Wire):
    """How the answer is to be."""

    format: JsonFormat | None = None


class CountRequest(Wire):
    """What a prompt is made of: all that counting its tokens needs."""

    model: Annotated[str, Field(min_length=1)]
    messages: Annotated[list[Message], Field(min_length=1)]
    system: str | list[Block] | None = None
    tools: Annotated[list[Tool], Field(max_length=128)] | None = None
    cache_control: CacheControl | None = None


class MessagesRequest(CountRequest):
    """A messages request."""

    max_tokens: Annotated[int, Field(ge=1)]
    stream: bool | None = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None

    @property
    def wants_stream(self) -> bool:
        """Whether the answer is to come in pieces."""
        return bool(self.stream)

    @property
    def wants_thinking(self) -> bool:
        """Whether the answer begins with thinking."""
        return self.thinking is not None and self.thinking.type in ("enabled", "adaptive")


def read_request(body: bytes) -> MessagesRequest:
    """The checked request; raises Refusal (400) naming the parameter at fault."""
    try:
        request = MessagesRequest.model_validate_json(body)
    except ValidationError as error:
        raise with_model(_refusal(error), body) from None
    fault = _contradiction(request)
    if fault is not None:
        raise about(request, fault)
    return request


def read_count_request(body: bytes) -> CountRequest:
    """The checked request of a token count; raises Refusal (400) likewise."""
    try:
        return CountRequest.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(error) from None


def _refusal(error: ValidationError) -> Refusal:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return bad_request("The request body is not valid JSON")
    # Names of union members ("list[Block]", "str") are pydantic's, not the caller's.
    names = [str(part) for part in first["loc"] if isinstance(part, int) or part.islower()]
    param = ".".join(names).removesuffix(".str")
    return bad_request(f"{param or 'body'}: {first['msg']}", param)


def _contradiction(request: MessagesRequest) -> Refusal | None:
    choice, thinking = request.tool_choice, request.thinking
    if choice is not None and not request.tools:
        return bad_request("tool_choice: may only be specified while providing tools")
    names = {tool.name for tool in request.tools or ()}
    if choice is not None and choice.type == "tool" and choice.name not in names:
        return bad_request(f"tool_choice: tool '{choice.name}' not found in provided tools")
    if thinking is not None and (thinking.budget_tokens or 0) >= request.max_tokens:
        return bad_request("max_tokens: must be greater than thinking.budget_tokens")
    if request.wants_thinking and choice is not None and choice.type in ("any", "tool"):
        return bad_request("tool_choice: thinking may not be enabled when it forces tool use")
    return None
