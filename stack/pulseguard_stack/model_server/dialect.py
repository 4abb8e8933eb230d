"""What an endpoint of a provider must bring: reading its requests, writing its answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Protocol, TypeVar

from pulseguard_stack.model_server.errors import Refusal
from pulseguard_stack.model_server.ledger import Tokens


@dataclass(frozen=True)
class Piece:
    """Bytes of an answer that leave together, and how many visible output tokens they carry.

    `told` is the usage object among them, where a dialect tells usage before the end: it stands
    for what the client knows until a later one.
    """

    data: bytes
    tokens: int
    told: Tokens | None = None


@dataclass(frozen=True)
class Reply:
    """An answer, before anything of it was sent.

    `hidden_tokens` (reasoning) take their time before the first piece; `usage` is None where the
    answer carries no usage object, else it leaves with the last piece, if not before.
    """

    content_type: bytes
    pieces: Iterator[Piece]
    piece_count: int
    hidden_tokens: int
    output_tokens: int
    tool_calls: int
    usage: Tokens | None


class ModelRequest(Protocol):
    """What every dialect's request tells."""

    @property
    def model(self) -> str:
        """The model asked for."""

    @property
    def wants_stream(self) -> bool:
        """Whether the answer is to come in pieces."""


RequestT = TypeVar("RequestT", bound=ModelRequest)


def about(request: ModelRequest, refusal: Refusal) -> Refusal:
    """The refusal, saying which request it answers."""
    refusal.model, refusal.stream = request.model, request.wants_stream
    return refusal


class Dialect(Protocol[RequestT]):
    """One endpoint of one provider's API. Adding an endpoint is adding one of these."""

    @property
    def path(self) -> str:
        """Where it is served."""

    def read(self, body: bytes) -> RequestT:
        """The checked request; raises Refusal, with the model where it could be read."""

    def reply(self, request: RequestT, luck: Random) -> Reply:
        """The answer to a request; raises Refusal."""

    def error_body(self, refusal: Refusal) -> bytes:
        """The provider's JSON for an error."""
