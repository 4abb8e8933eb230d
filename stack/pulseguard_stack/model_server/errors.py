"""What can go wrong in the simulated model server.

ModelServerError
├── BadSetting        a setting that the server cannot start with
├── Refusal           an HTTP error answer to one attempt
└── Departure         an attempt that ended without its answer
    ├── ClientGone        the client closed the connection
    └── ServerStopping    this server was told to stop
"""

from __future__ import annotations

from dataclasses import dataclass

from pulseguard_stack.model_server.outcomes import Outcome


class ModelServerError(Exception):
    """Everything that this package raises on purpose."""


class BadSetting(ModelServerError):
    """A setting that the server cannot start with; the message names it and its value."""


@dataclass(eq=False)
class Refusal(ModelServerError):
    """An HTTP error answer, in words that every provider's error body can be made from.

    `kind`, `code` and `param` are OpenAI's error fields; other dialects go by `outcome`.
    """

    outcome: Outcome
    status: int
    kind: str
    message: str
    code: str | None = None
    param: str | None = None
    model: str = ""
    stream: bool = False
    may_be_retried: bool = False

    def __str__(self) -> str:
        return self.message


class Departure(ModelServerError):
    """An attempt that ended without its answer."""


class ClientGone(Departure):
    """The client closed the connection before the last byte."""


class ServerStopping(Departure):
    """The server was told to stop while the attempt was under way."""


def bad_request(message: str, param: str | None = None, code: str | None = None) -> Refusal:
    """A 400 in OpenAI's words that names the parameter at fault."""
    return Refusal(Outcome.BAD_REQUEST, 400, "invalid_request_error", message, code, param)
