"""The body of a chat completion request, checked.

After https://platform.openai.com/docs/api-reference/chat/create. Parameters that change nothing
here (temperature, seed, stop, …) are accepted and ignored, unknown ones too.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from pulseguard_stack.model_server.bodies import Wire, read_body
from pulseguard_stack.model_server.dialect import about
from pulseguard_stack.model_server.errors import Refusal, bad_request


class Part(Wire):
    """One part of a message: text, an image, a file; only the text of it is read."""

    type: str
    text: str = ""


class FunctionCall(Wire):
    """What an earlier answer called."""

    name: str
    arguments: str


class ToolCall(Wire):
    """A tool call of an earlier answer."""

    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class Message(Wire):
    """One turn of the conversation."""

    role: Literal["developer", "system", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """The text of the content, parts joined by line ends."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class Function(Wire):
    """A function that may be called; `parameters` is a JSON schema (Any: of any shape)."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")]
    description: str | None = None
    parameters: dict[str, Any] | None = None


class Tool(Wire):
    """A tool; functions only."""

    type: Literal["function"]
    function: Function


class FunctionName(Wire):
    """The name of a function."""

    name: str


class NamedTool(Wire):
    """The tool that must be called."""

    type: Literal["function"]
    function: FunctionName


class StreamOptions(Wire):
    """What a stream brings beside the text."""

    include_usage: bool | None = None


class JsonSchema(Wire):
    """A named JSON schema (Any: of any shape)."""

    name: str
    json_schema: Annotated[dict[str, Any] | None, Field(alias="schema")] = None


class ResponseFormat(Wire):
    """The form of the answer's text."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class ChatRequest(Wire):
    """A chat completion request."""

    model: Annotated[str, Field(min_length=1)]
    messages: Annotated[list[Message], Field(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: Annotated[list[Tool], Field(max_length=128)] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    n: Literal[1] | None = None

    @property
    def wants_stream(self) -> bool:
        """Whether the answer is to come in pieces."""
        return bool(self.stream)

    @property
    def wants_usage(self) -> bool:
        """Whether the answer carries a usage object; a stream does only on request."""
        options = self.stream_options
        return not self.stream or bool(options and options.include_usage)

    @property
    def output_limit(self) -> int | None:
        """The most output tokens, reasoning included."""
        return self.max_completion_tokens or self.max_tokens


def read_request(body: bytes) -> ChatRequest:
    """The checked request; raises Refusal (400) naming the parameter at fault."""
    request = read_body(ChatRequest, body)
    fault = _contradiction(request)
    if fault is not None:
        raise about(request, fault)
    return request


def _contradiction(request: ChatRequest) -> Refusal | None:
    if request.stream_options and not request.stream:
        text = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        return bad_request(text, "stream_options", "invalid_value")
    if request.top_logprobs is not None and not request.logprobs:
        text = "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."
        return bad_request(text, "top_logprobs", "invalid_value")
    names = {tool.function.name for tool in request.tools or ()}
    choice = request.tool_choice
    if isinstance(choice, NamedTool) and choice.function.name not in names:
        text = f"Tool choice '{choice.function.name}' not found in 'tools' parameter."
        return bad_request(text, "tool_choice", "invalid_value")
    if choice is not None and not names:
        return bad_request("'tool_choice' is only allowed when 'tools' are given.", "tool_choice")
    return None
