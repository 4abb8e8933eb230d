"""A conversation as a list of tokens: what is counted, and what the prompt cache compares."""

from __future__ import annotations

import json

from pulseguard_stack.model_server.chat_completions.request import ChatRequest, Message
from pulseguard_stack.model_server.tokens import tokenize

_IMAGE_TOKENS = 85


def prompt_tokens(request: ChatRequest) -> list[str]:
    """The prompt's tokens: tools first, then the turns.

    A turn costs 3 more than its role and its text, the answer's beginning 3, as OpenAI's cookbook
    counts (How to count tokens with tiktoken); an image 85, as one in low detail.
    """
    tokens: list[str] = []
    if request.tools:
        tools = [tool.model_dump(mode="json") for tool in request.tools]
        tokens += tokenize(json.dumps(tools, separators=(",", ":")))
    for message in request.messages:
        tokens += _turn_tokens(message)
    return [*tokens, "<start>", "assistant", "<text>"]


def _turn_tokens(message: Message) -> list[str]:
    tokens = ["<start>", message.role, "<text>", *tokenize(message.text), "<end>"]
    if isinstance(message.content, list):
        images = sum(part.type == "image_url" for part in message.content)
        tokens += ["<image>"] * (_IMAGE_TOKENS * images)
    for text in (message.name, message.tool_call_id):
        tokens += tokenize(text) if text else ()
    for call in message.tool_calls or ():
        tokens += [*tokenize(call.function.name), *tokenize(call.function.arguments)]
    return tokens
