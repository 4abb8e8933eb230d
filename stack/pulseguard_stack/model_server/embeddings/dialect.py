"""Embeddings as an endpoint of the simulated server: vectors that say nothing, tokens that do."""

from __future__ import annotations

import base64
import json
from array import array
from collections.abc import Mapping
from random import Random

from pulseguard_stack.model_server.bodies import read_body
from pulseguard_stack.model_server.chat_completions.refusals import check_window, unknown_model
from pulseguard_stack.model_server.chat_completions.wire import error_object
from pulseguard_stack.model_server.dialect import Piece, Reply, about
from pulseguard_stack.model_server.embeddings.request import EmbeddingsRequest
from pulseguard_stack.model_server.errors import Refusal
from pulseguard_stack.model_server.ledger import Tokens
from pulseguard_stack.model_server.models import Model
from pulseguard_stack.model_server.tokens import count_tokens

_DIMENSIONS = 1536


class Embeddings:
    """POST /v1/embeddings. Any model embeds; the same text always gives the same vector."""

    path = "/v1/embeddings"

    def __init__(self, models: Mapping[str, Model]) -> None:
        self._models = models

    def read(self, body: bytes) -> EmbeddingsRequest:
        """The checked request; raises Refusal for wrong input and for an unknown model."""
        request = read_body(EmbeddingsRequest, body)
        if request.model not in self._models:
            raise about(request, unknown_model(request.model))
        return request

    def reply(self, request: EmbeddingsRequest, luck: Random) -> Reply:
        """The answer; raises Refusal where a text is longer than the model's window."""
        model = self._models[request.model]
        counts = [_count(text) for text in request.texts()]
        check_window(model, max(counts), "input")
        usage = Tokens(input=sum(counts))
        return Reply(
            content_type=b"application/json",
            pieces=iter((Piece(_body(request, usage), 0),)),
            piece_count=1,
            hidden_tokens=0,
            output_tokens=0,
            tool_calls=0,
            usage=usage,
        )

    def error_body(self, refusal: Refusal) -> bytes:
        """OpenAI's error object."""
        return error_object(refusal)


def _count(text: str | list[int]) -> int:
    return count_tokens(text) if isinstance(text, str) else len(text)


def _body(request: EmbeddingsRequest, usage: Tokens) -> bytes:
    data = [
        {"object": "embedding", "index": index, "embedding": _embedding(request, text)}
        for index, text in enumerate(request.texts())
    ]
    counts = {"prompt_tokens": usage.input, "total_tokens": usage.input}
    answer = {"object": "list", "data": data, "model": request.model, "usage": counts}
    return json.dumps(answer, separators=(",", ":")).encode()


def _embedding(request: EmbeddingsRequest, text: str | list[int]) -> str | list[float]:
    luck = Random(f"{request.model}/{text}")
    length = request.dimensions or _DIMENSIONS
    # Of about unit length, as the real ones are.
    bound = (3 / length) ** 0.5
    vector = array("f", (luck.uniform(-bound, bound) for _ in range(length)))
    if request.encoding_format == "base64":
        return base64.b64encode(vector.tobytes()).decode()
    return vector.tolist()
