"""Answering a conversation, whichever of OpenAI's endpoints it came to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from pulseguard_stack.model_server.chat_completions.answer import Answer, compose_answer
from pulseguard_stack.model_server.chat_completions.prompt import prompt_tokens
from pulseguard_stack.model_server.chat_completions.refusals import check_window
from pulseguard_stack.model_server.chat_completions.request import ChatRequest
from pulseguard_stack.model_server.dialect import Piece, Reply
from pulseguard_stack.model_server.ledger import Tokens
from pulseguard_stack.model_server.models import Model
from pulseguard_stack.model_server.prompt_cache import PromptCache


@dataclass(frozen=True)
class Conversations:
    """The models of an endpoint, the prompts that they remember, and how often they are right."""

    models: Mapping[str, Model]
    cache: PromptCache
    right_share: float

    def answer(self, chat: ChatRequest, param: str, luck: Random) -> tuple[Answer, Tokens]:
        """What the model says, and what that uses; raises Refusal where `param` is too long."""
        model = self.models[chat.model]
        prompt = prompt_tokens(chat)
        check_window(model, len(prompt), param)
        cached = self.cache.read_and_write(model.name, prompt)
        answer = compose_answer(chat, model.reasons, self.right_share, luck)
        usage = Tokens(
            input=len(prompt) - cached,
            cache_read=cached,
            output=answer.output_tokens,
            reasoning=answer.reasoning_tokens,
        )
        return answer, usage


def whole_reply(answer: Answer, body: bytes, usage: Tokens) -> Reply:
    """The answer as one object."""
    piece = Piece(body, answer.output_tokens)
    return _reply(answer, b"application/json", iter((piece,)), 1, usage)


def streamed_reply(answer: Answer, pieces: Iterator[Piece], usage: Tokens | None) -> Reply:
    """The answer as server-sent events, a token each, and one piece for the end."""
    count = 1 + len(answer.text) + sum(1 + len(call.arguments) for call in answer.calls)
    return _reply(answer, b"text/event-stream", pieces, count, usage)


def _reply(
    answer: Answer, content_type: bytes, pieces: Iterator[Piece], count: int, usage: Tokens | None
) -> Reply:
    return Reply(
        content_type=content_type,
        pieces=pieces,
        piece_count=count,
        hidden_tokens=answer.reasoning_tokens,
        output_tokens=answer.output_tokens,
        tool_calls=len(answer.calls),
        usage=usage,
    )
