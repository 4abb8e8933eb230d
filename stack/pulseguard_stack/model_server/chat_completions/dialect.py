"""Chat completions as an endpoint of the simulated server."""

from __future__ import annotations

import time
from collections.abc import Mapping
from random import Random

from pulseguard_stack.model_server.chat_completions import wire
from pulseguard_stack.model_server.chat_completions.answer import Answer, compose_answer
from pulseguard_stack.model_server.chat_completions.prompt import prompt_tokens
from pulseguard_stack.model_server.chat_completions.request import ChatRequest, read_request
from pulseguard_stack.model_server.dialect import Piece, Reply
from pulseguard_stack.model_server.errors import Refusal, bad_request
from pulseguard_stack.model_server.ledger import Tokens
from pulseguard_stack.model_server.models import Model
from pulseguard_stack.model_server.outcomes import Outcome
from pulseguard_stack.model_server.prompt_cache import PromptCache


class ChatCompletions:
    """POST /v1/chat/completions."""

    path = "/v1/chat/completions"

    def __init__(self, models: Mapping[str, Model], cache: PromptCache, right_share: float) -> None:
        self._models = models
        self._cache = cache
        self._right_share = right_share

    def read(self, body: bytes) -> ChatRequest:
        """The checked request; raises Refusal for wrong input and for an unknown model."""
        request = read_request(body)
        model = self._models.get(request.model)
        fault = unknown_model(request.model) if model is None else _unsupported(request, model)
        if fault is not None:
            fault.model, fault.stream = request.model, request.wants_stream
            raise fault
        return request

    def reply(self, request: ChatRequest, luck: Random) -> Reply:
        """The answer; raises Refusal where the prompt is longer than the model's window."""
        model = self._models[request.model]
        prompt = prompt_tokens(request)
        check_window(model, len(prompt), "messages")
        cached = self._cache.read_and_write(model.name, prompt)
        answer = compose_answer(request, model.reasons, self._right_share, luck)
        usage = Tokens(
            input=len(prompt) - cached,
            cache_read=cached,
            output=answer.output_tokens,
            reasoning=answer.reasoning_tokens,
        )
        head = wire.Head(f"chatcmpl-sim-{luck.getrandbits(96):024x}", int(time.time()), model.name)
        return _reply(request, head, answer, usage)

    def error_body(self, refusal: Refusal) -> bytes:
        """OpenAI's error object."""
        return wire.error_object(refusal)


def _reply(request: ChatRequest, head: wire.Head, answer: Answer, usage: Tokens) -> Reply:
    sent_usage = usage if request.wants_usage else None
    if request.wants_stream:
        pieces, count = wire.chunks(head, answer, sent_usage), wire.chunk_count(answer)
    else:
        whole = Piece(wire.completion(head, answer, usage), answer.output_tokens)
        pieces, count = iter((whole,)), 1
    return Reply(
        content_type=b"text/event-stream" if request.wants_stream else b"application/json",
        pieces=pieces,
        piece_count=count,
        hidden_tokens=answer.reasoning_tokens,
        output_tokens=answer.output_tokens,
        tool_calls=len(answer.calls),
        usage=sent_usage,
    )


def unknown_model(model: str) -> Refusal:
    """OpenAI's 404 for a model that it does not have."""
    message = f"The model `{model}` does not exist in this simulation."
    kind = "invalid_request_error"
    return Refusal(Outcome.BAD_REQUEST, 404, kind, message, "model_not_found", "model")


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


def check_window(model: Model, prompt: int, param: str) -> None:
    """Raises Refusal where the prompt, so many tokens, is longer than the model's window."""
    if prompt > model.context_window:
        message = (
            f"This model's maximum context length is {model.context_window} tokens. "
            f"However, your {param} resulted in {prompt} tokens. "
            f"Please reduce the length of the {param}."
        )
        kind, code = "invalid_request_error", "context_length_exceeded"
        raise Refusal(Outcome.CONTEXT_LENGTH, 400, kind, message, code, param)
