"""Responses as an endpoint of the simulated server."""

from __future__ import annotations

import time
from random import Random

from pulseguard_stack.model_server.chat_completions.conversation import (
    Conversations,
    streamed_reply,
    whole_reply,
)
from pulseguard_stack.model_server.chat_completions.refusals import unknown_model
from pulseguard_stack.model_server.chat_completions.wire import error_object
from pulseguard_stack.model_server.dialect import Reply, about
from pulseguard_stack.model_server.errors import Refusal
from pulseguard_stack.model_server.responses import events, wire
from pulseguard_stack.model_server.responses.request import ResponsesRequest, read_request


class Responses:
    """POST /v1/responses."""

    path = "/v1/responses"

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations

    def read(self, body: bytes) -> ResponsesRequest:
        """The checked request; raises Refusal for wrong input and for an unknown model."""
        request = read_request(body)
        if request.model not in self._conversations.models:
            raise about(request, unknown_model(request.model))
        return request

    def reply(self, request: ResponsesRequest, luck: Random) -> Reply:
        """The answer; raises Refusal where the input is longer than the model's window."""
        answer, usage = self._conversations.answer(request.conversation(), "input", luck)
        head = wire.Head(f"{luck.getrandbits(96):024x}", int(time.time()), request)
        if not request.wants_stream:
            return whole_reply(answer, wire.dump(wire.ended(head, answer, usage)), usage)
        return streamed_reply(answer, events.pieces(head, answer, usage), usage)

    def error_body(self, refusal: Refusal) -> bytes:
        """OpenAI's error object."""
        return error_object(refusal)
