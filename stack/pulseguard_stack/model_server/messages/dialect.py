"""Anthropic's messages as an endpoint of the simulated server."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from pulseguard_stack.model_server.dialect import Piece, Reply
from pulseguard_stack.model_server.errors import Refusal
from pulseguard_stack.model_server.ledger import Tokens
from pulseguard_stack.model_server.messages import wire
from pulseguard_stack.model_server.messages.answer import Answer, compose_answer
from pulseguard_stack.model_server.messages.prefix_cache import PrefixCache
from pulseguard_stack.model_server.messages.prompt import count_prompt, prompt_blocks
from pulseguard_stack.model_server.messages.request import MessagesRequest, read_request
from pulseguard_stack.model_server.models import Model
from pulseguard_stack.model_server.outcomes import Outcome


class Messages:
    """POST /v1/messages."""

    path = "/v1/messages"

    def __init__(self, models: Mapping[str, Model], cache: PrefixCache, right_share: float) -> None:
        self._models = models
        self._cache = cache
        self._right_share = right_share

    def read(self, body: bytes) -> MessagesRequest:
        """The checked request; raises Refusal for wrong input and for an unknown model."""
        request = read_request(body)
        if request.model not in self._models:
            raise _unknown_model(request)
        return request

    def reply(self, request: MessagesRequest, luck: Random) -> Reply:
        """The answer; raises Refusal where the prompt is longer than the model's window."""
        model = self._models[request.model]
        prompt = prompt_blocks(request)
        count = count_prompt(prompt)
        _check_window(model, count)
        answer = compose_answer(request, self._right_share, luck)
        read, write = self._cache.read_and_write(model.name, prompt)
        usage = Tokens(
            input=count - read - write,
            cache_read=read,
            cache_write=write,
            output=answer.output_tokens,
            reasoning=len(answer.thinking),
        )
        head = wire.Head(f"msg_sim_{luck.getrandbits(96):024x}", model.name)
        return _reply(request, head, answer, usage)

    def error_body(self, refusal: Refusal) -> bytes:
        """Anthropic's error object."""
        return wire.error_object(refusal)


def _reply(request: MessagesRequest, head: wire.Head, answer: Answer, usage: Tokens) -> Reply:
    tokens = len(answer.thinking) + answer.output_tokens
    if request.wants_stream:
        pieces, count = wire.pieces(head, answer, usage), wire.piece_count(answer)
    else:
        pieces, count = iter((Piece(wire.message(head, answer, usage), tokens),)), 1
    return Reply(
        content_type=b"text/event-stream" if request.wants_stream else b"application/json",
        pieces=pieces,
        piece_count=count,
        # Thinking is streamed like text: none of it is hidden.
        hidden_tokens=0,
        output_tokens=tokens,
        tool_calls=len(answer.calls),
        usage=usage,
    )


def _unknown_model(request: MessagesRequest) -> Refusal:
    message = f"model: {request.model} does not exist in this simulation"
    return Refusal(
        Outcome.BAD_REQUEST,
        404,
        "not_found_error",
        message,
        model=request.model,
        stream=request.wants_stream,
    )


def _check_window(model: Model, prompt: int) -> None:
    if prompt > model.context_window:
        message = f"{prompt} tokens > {model.context_window} maximum"
        kind = "invalid_request_error"
        raise Refusal(Outcome.CONTEXT_LENGTH, 400, kind, message)
