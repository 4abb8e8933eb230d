"""How one HTTP attempt can end, and PulseGuard's error type for each ending."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Outcome(StrEnum):
    """The ledger's word for how one attempt ended."""

    OK = "ok"
    RATE_LIMIT = "rate_limit"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CUT = "cut"
    CLIENT_DROPPED = "client_dropped"
    AUTH = "auth"
    CONTEXT_LENGTH = "context_length"
    CONTENT_FILTER = "content_filter"
    BAD_REQUEST = "bad_request"


# ok and client_dropped are absent: neither is an error of the call.
ERROR_TYPES: Mapping[Outcome, str] = MappingProxyType(
    {
        Outcome.TIMEOUT: "timeout",
        Outcome.RATE_LIMIT: "rate_limit",
        Outcome.AUTH: "auth",
        Outcome.CONTEXT_LENGTH: "context_length",
        Outcome.CONTENT_FILTER: "content_filter",
        Outcome.SERVER_ERROR: "server_error",
        Outcome.CUT: "network",
        Outcome.BAD_REQUEST: "_OTHER",
    }
)
