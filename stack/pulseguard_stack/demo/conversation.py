"""A conversation with one model: turns, tools in between, and everything said so far."""

from __future__ import annotations

from openai.types.chat import (
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionMessageFunctionToolCallParam,
    ChatCompletionMessageParam,
)

from pulseguard_stack.demo.model_calls import ModelCalls, Reply, Tools
from pulseguard_stack.demo.tools import Toolbox
from pulseguard_stack.model_server.models import Model

_MOST_ROUNDS = 5


class Conversation:
    """Turns of a user and a model. After a failed call the conversation is as it was before."""

    def __init__(self, calls: ModelCalls, model: Model, system: str) -> None:
        self._calls = calls
        self._model = model
        self._said: list[ChatCompletionMessageParam] = [{"role": "system", "content": system}]

    async def ask(self, text: str) -> Reply:
        """The reply to a turn, in one piece."""
        asked = self._asked(text)
        reply = await self._calls.complete(self._model, asked)
        self._said = [*asked, _turn(reply)]
        return reply

    async def ask_streamed(self, text: str) -> Reply:
        """The reply to a turn, streamed."""
        asked = self._asked(text)
        reply = await self._calls.stream(self._model, asked)
        self._said = [*asked, _turn(reply)]
        return reply

    async def ask_with_tools(self, text: str, toolbox: Toolbox) -> Reply:
        """The reply to a turn, after the model used what tools it wanted."""
        said = self._asked(text)
        for tools_left in reversed(range(_MOST_ROUNDS)):
            tools: Tools = toolbox.told if tools_left else ()
            reply = await self._calls.complete(self._model, said, tools)
            said.append(_turn(reply))
            for wanted in reply.message.tool_calls or ():
                if wanted.type == "function":
                    said.append(await toolbox.use(wanted))
            if not reply.message.tool_calls:
                break
        self._said = said
        return reply

    def _asked(self, text: str) -> list[ChatCompletionMessageParam]:
        return [*self._said, {"role": "user", "content": text}]


def _turn(reply: Reply) -> ChatCompletionMessageParam:
    calls = [_call(call) for call in reply.message.tool_calls or () if call.type == "function"]
    if calls:
        return {"role": "assistant", "content": reply.message.content, "tool_calls": calls}
    return {"role": "assistant", "content": reply.text}


def _call(
    call: ChatCompletionMessageFunctionToolCall,
) -> ChatCompletionMessageFunctionToolCallParam:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.function.name, "arguments": call.function.arguments},
    }
