"""Which attempts fail, and how: by seeded shares, or as the request's `X-Simulate` header says."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from enum import StrEnum
from random import Random

from pulseguard_stack.model_server.errors import BadSetting, Refusal, bad_request
from pulseguard_stack.model_server.outcomes import Outcome


class Fault(StrEnum):
    """What is simulated for an attempt; the values are the words of `X-Simulate`."""

    NONE = "ok"
    RATE_LIMIT = "429"
    SERVER_ERROR = "500"
    OVERLOADED = "529"
    TIMEOUT = "timeout"
    CUT = "cut"
    AUTH = "401"
    CONTEXT_LENGTH = "400-context"
    CONTENT_FILTER = "400-content-filter"


@dataclass(frozen=True)
class FaultRates:
    """Shares of all attempts, 0 to 1, together at most 1."""

    rate_limit: float = 0.0
    server_error: float = 0.0
    timeout: float = 0.0
    cut: float = 0.0

    def __post_init__(self) -> None:
        shares = [getattr(self, field.name) for field in fields(self)]
        if min(shares) < 0 or sum(shares) > 1:
            raise BadSetting(
                f"fault rates are {shares}: each must be 0 or more, their sum 1 or less"
            )


def draw_fault(rates: FaultRates, luck: Random) -> Fault:
    """The fault of one attempt; always takes exactly one number from `luck`."""
    roll = luck.random()
    for fault, share in (
        (Fault.RATE_LIMIT, rates.rate_limit),
        (Fault.SERVER_ERROR, rates.server_error),
        (Fault.TIMEOUT, rates.timeout),
        (Fault.CUT, rates.cut),
    ):
        if roll < share:
            return fault
        roll -= share
    return Fault.NONE


_OVERRIDE = re.compile(r"(?P<fault>[a-z0-9-]+)(?:\*(?P<attempts>[1-9]\d{0,3}))?")


def requested_fault(header: str, attempt: int) -> Fault:
    """The fault that `X-Simulate` asks for: `429` always, `429*2` on the first two attempts only.

    Raises Refusal (400) for a header that says neither.
    """
    match = _OVERRIDE.fullmatch(header.strip())
    if match is None or match["fault"] not in set(Fault):
        words = ", ".join(Fault)
        raise bad_request(
            f"X-Simulate is {header!r}: use one of {words}, or e.g. 429*1", "X-Simulate"
        )
    if match["attempts"] and attempt >= int(match["attempts"]):
        return Fault.NONE
    return Fault(match["fault"])


def refusal_for(fault: Fault) -> Refusal | None:
    """The error answer of a fault; None for those that are not an answer (ok, timeout, cut)."""
    match fault:
        case Fault.RATE_LIMIT:
            return _retriable(
                Outcome.RATE_LIMIT, 429, "requests", "Rate limit reached", "rate_limit_exceeded"
            )
        case Fault.SERVER_ERROR:
            return _retriable(Outcome.SERVER_ERROR, 500, "server_error", "The server had an error")
        case Fault.OVERLOADED:
            return _retriable(Outcome.SERVER_ERROR, 529, "server_error", "Overloaded")
        case Fault.AUTH:
            return _refusal(Outcome.AUTH, 401, "Incorrect API key provided", "invalid_api_key")
        case Fault.CONTEXT_LENGTH:
            message = "The prompt is longer than the model's context window"
            return _refusal(
                Outcome.CONTEXT_LENGTH, 400, message, "context_length_exceeded", "messages"
            )
        case Fault.CONTENT_FILTER:
            message = "The prompt was rejected by the content filter"
            return _refusal(Outcome.CONTENT_FILTER, 400, message, "content_filter", "messages")
        case _:
            return None


def stalled_out(stall_seconds: float) -> Refusal:
    """The 504 that a client gets who outlasts the stall of a simulated time-out."""
    message = f"No answer within {stall_seconds:g} s"
    return _retriable(Outcome.TIMEOUT, 504, "server_error", message, "timeout")


def _refusal(
    outcome: Outcome, status: int, message: str, code: str, param: str | None = None
) -> Refusal:
    text = f"{message} (simulated)."
    return Refusal(outcome, status, "invalid_request_error", text, code, param)


def _retriable(
    outcome: Outcome, status: int, kind: str, message: str, code: str | None = None
) -> Refusal:
    return Refusal(outcome, status, kind, f"{message} (simulated).", code, may_be_retried=True)
