"""Chat completions as an endpoint of the simulated server."""

from __future__ import annotations

import time
from random import Random

from pulseguard_stack.model_server.chat_completions import wire
from pulseguard_stack.model_server.chat_completions.conversation import (
    Conversations,
    streamed_reply,
    whole_reply,
)
from pulseguard_stack.model_server.chat_completions.refusals import unknown_model
from pulseguard_stack.model_server.chat_completions.request import ChatRequest, read_request
from pulseguard_stack.model_server.dialect import Reply, about
from pulseguard_stack.model_server.errors import Refusal, bad_request
from pulseguard_stack.model_server.models import Model


class ChatCompletions:
    """POST /v1/chat/completions."""

    path = "/v1/chat/completions"

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations

    def read(self, body: bytes) -> ChatRequest:
        """The checked request; raises Refusal for wrong input and for an unknown model."""
        request = read_request(body)
        model = self._conversations.models.get(request.model)
        fault = unknown_model(request.model) if model is None else _unsupported(request, model)
        if fault is not None:
            raise about(request, fault)
        return request

    def reply(self, request: ChatRequest, luck: Random) -> Reply:
        """The answer; raises Refusal where the prompt is longer than the model's window."""
        answer, usage = self._conversations.answer(request, "messages", luck)
        id = f"chatcmpl-sim-{luck.getrandbits(96):024x}"
        head = wire.Head(id, int(time.time()), request.model)
        if not request.wants_stream:
            return whole_reply(answer, wire.completion(head, answer, usage), usage)
        told = usage if request.wants_usage else None
        return streamed_reply(answer, wire.chunks(head, answer, told), told)

    def error_body(self, refusal: Refusal) -> bytes:
        """OpenAI's error object."""
        return wire.error_object(refusal)


def _unsupported(request: ChatRequest, model: Model) -> Refusal | None:
    """What OpenAI's reasoning models refuse."""
    if model.reasons and request.max_tokens is not None:
        text = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead."
        )
        return bad_request(text, "max_tokens", "unsupported_parameter")
    if model.reasons and request.logprobs:
        text = "Unsupported parameter: 'logprobs' is not supported with this model."
        return bad_request(text, "logprobs", "unsupported_parameter")
    return None
