"""Responses as an endpoint of the simulated server."""

from __future__ import annotations

import time
from collections.abc import Mapping
from random import Random

from pulseguard_stack.model_server.chat_completions.answer import Answer, compose_answer
from pulseguard_stack.model_server.chat_completions.dialect import check_window, unknown_model
from pulseguard_stack.model_server.chat_completions.prompt import prompt_tokens
from pulseguard_stack.model_server.chat_completions.wire import error_object
from pulseguard_stack.model_server.dialect import Piece, Reply
from pulseguard_stack.model_server.errors import Refusal
from pulseguard_stack.model_server.ledger import Tokens
from pulseguard_stack.model_server.models import Model
from pulseguard_stack.model_server.prompt_cache import PromptCache
from pulseguard_stack.model_server.responses import events, wire
from pulseguard_stack.model_server.responses.request import ResponsesRequest, read_request


class Responses:
    """POST /v1/responses."""

    path = "/v1/responses"

    def __init__(self, models: Mapping[str, Model], cache: PromptCache, right_share: float) -> None:
        self._models = models
        self._cache = cache
        self._right_share = right_share

    def read(self, body: bytes) -> ResponsesRequest:
        """The checked request; raises Refusal for wrong input and for an unknown model."""
        request = read_request(body)
        if request.model not in self._models:
            fault = unknown_model(request.model)
            fault.model, fault.stream = request.model, request.wants_stream
            raise fault
        return request

    def reply(self, request: ResponsesRequest, luck: Random) -> Reply:
        """The answer; raises Refusal where the input is longer than the model's window."""
        model = self._models[request.model]
        conversation = request.conversation()
        prompt = prompt_tokens(conversation)
        check_window(model, len(prompt), "input")
        cached = self._cache.read_and_write(model.name, prompt)
        answer = compose_answer(conversation, model.reasons, self._right_share, luck)
        usage = Tokens(
            input=len(prompt) - cached,
            cache_read=cached,
            output=answer.output_tokens,
            reasoning=answer.reasoning_tokens,
        )
        head = wire.Head(f"{luck.getrandbits(96):024x}", int(time.time()), request)
        return _reply(head, answer, usage)

    def error_body(self, refusal: Refusal) -> bytes:
        """OpenAI's error object."""
        return error_object(refusal)


def _reply(head: wire.Head, answer: Answer, usage: Tokens) -> Reply:
    if head.request.wants_stream:
        pieces, count = events.pieces(head, answer, usage), events.piece_count(answer)
    else:
        whole = Piece(wire.dump(wire.ended(head, answer, usage)), answer.output_tokens)
        pieces, count = iter((whole,)), 1
    return Reply(
        content_type=b"text/event-stream" if head.request.wants_stream else b"application/json",
        pieces=pieces,
        piece_count=count,
        hidden_tokens=answer.reasoning_tokens,
        output_tokens=answer.output_tokens,
        tool_calls=len(answer.calls),
        usage=usage,
    )
