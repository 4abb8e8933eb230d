"""The bounded type of a failure, told from the exception alone: no client library is imported."""

import errno
import re
from collections.abc import Iterator
from typing import Final

from pulseguard.catalog import ERROR_TYPES, OTHER, ErrorType

_CODES: Final[dict[str, ErrorType]] = {
    "context_length_exceeded": "context_length",
    "string_above_max_length": "context_length",
    "request_too_large": "context_length",
    "content_filter": "content_filter",
    "content_policy_violation": "content_filter",
    "rate_limit_exceeded": "rate_limit",
    "rate_limit_error": "rate_limit",
    "insufficient_quota": "rate_limit",
    "invalid_api_key": "auth",
    "authentication_error": "auth",
    "permission_error": "auth",
    "overloaded_error": "server_error",
    "api_error": "server_error",
    "timeout_error": "timeout",
}
_STATUSES: Final[dict[int, ErrorType]] = {
    401: "auth",
    403: "auth",
    407: "auth",
    408: "timeout",
    413: "context_length",
    429: "rate_limit",
    504: "timeout",
}
# Class names as the common HTTP and model clients spell them; a subclass counts as its base.
_CLASSES: Final[dict[str, ErrorType]] = {
    "TimeoutError": "timeout",
    "TimeoutException": "timeout",
    "Timeout": "timeout",
    "APITimeoutError": "timeout",
    "ServerTimeoutError": "timeout",
    "DeadlineExceeded": "timeout",
    "ModelRequestTimeout": "timeout",
    "ModelTimeoutError": "timeout",
    "RateLimitError": "rate_limit",
    "ModelRateLimitError": "rate_limit",
    "ModelQuotaExceededError": "rate_limit",
    "ResourceExhausted": "rate_limit",
    "TooManyRequests": "rate_limit",
    "ThrottlingException": "rate_limit",
    "AuthenticationError": "auth",
    "ModelAuthenticationError": "auth",
    "PermissionDeniedError": "auth",
    "PermissionDenied": "auth",
    "Unauthenticated": "auth",
    "ContentFilterFinishReasonError": "content_filter",
    "ContextOverflowError": "context_length",
    "ContextWindowExceededError": "context_length",
    "ModelContextWindowExceededError": "context_length",
    "ContentPolicyViolationError": "content_filter",
    "InternalServerError": "server_error",
    "ModelServerError": "server_error",
    "ModelUnavailableError": "server_error",
    "ServerError": "server_error",
    "ServiceUnavailable": "server_error",
    "ServiceUnavailableError": "server_error",
    "OverloadedError": "server_error",
    "APIConnectionError": "network",
    "ModelConnectionError": "network",
    "ClientConnectionError": "network",
    "ClientPayloadError": "network",
    "ChunkedEncodingError": "network",
    "ConnectionError": "network",
    "HTTPException": "network",
    "ProtocolError": "network",
    "SSLError": "network",
    "TransportError": "network",
    "gaierror": "network",
    "herror": "network",
}
_NETWORK_ERRNOS: Final = frozenset(
    {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}
)
# What a 400 says where it has no code for it.
_PHRASES: Final[dict[str, ErrorType]] = {
    "maximum context length": "context_length",
    "prompt is too long": "context_length",
    "exceed context limit": "context_length",
    "context window": "context_length",
    "content filter": "content_filter",
    "content management policy": "content_filter",
}
# How a message begins, as openai and anthropic, and Pydantic AI write it; a class may come first.
_TOLD_STATUS: Final = re.compile(r"(?:\w+: )?(?:Error code|status_code): ([45]\d\d)\b")
_DEEPEST: Final = 8


def is_cancellation(error: BaseException) -> bool:
    """Whether the caller gave up (cancelled, closed, interrupted): no failure of the model."""
    return not isinstance(error, Exception) or type(error).__name__ == "CancelledError"


def error_type(error: BaseException) -> ErrorType:
    """One of the eight types: from codes, statuses and class names along the causes.

    The outermost exception that says something decides (a bare 400 does not: frameworks wrap in
    one what a client says with a code), except that a time-out beneath a connection failure is a
    time-out: clients wrap one in the other.
    """
    types = [found for link in _chain(error) if (found := _type_of(link)) not in (None, OTHER)]
    if not types:
        return "_OTHER"
    if types[0] == "network" and "timeout" in types:
        return "timeout"
    return types[0]


def status_error(status: int) -> ErrorType | None:
    """The type that an HTTP status stands for; None below 400."""
    if status < 400:
        return None
    return _STATUSES.get(status, "server_error" if status >= 500 else "_OTHER")


def http_status(error: BaseException) -> int | None:
    """The status from 400 to 599 that the exception or its response carries."""
    response = getattr(error, "response", None)
    for holder in (error, response):
        for name in ("status_code", "status", "http_status", "code"):
            status = getattr(holder, name, None)
            if isinstance(status, int) and 400 <= status <= 599:
                return int(status)
    return None


def named_error_type(name: str) -> ErrorType | None:
    """The type that a failure's name stands for: one of the eight, a code, a status or a class.

    Of a class the end of its name decides: frameworks put their own name before the client's.
    """
    last = name.rpartition(".")[2]
    if last.isascii() and last.isdigit():
        return status_error(int(last))
    found = next((known for known in ERROR_TYPES if known == last), None) or _CODES.get(last)
    if found is not None:
        return found
    endings = [known for known in _CLASSES if last.endswith(known)]
    return _CLASSES[max(endings, key=len)] if endings else None


def told_error_type(message: str) -> ErrorType | None:
    """The type that a client's message tells by the status it begins with; None without one."""
    told = _TOLD_STATUS.match(message)
    return None if told is None else _by_answer(int(told[1]), message)


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    for _ in range(_DEEPEST):
        if link is None:
            return
        yield link
        group = link.exceptions if isinstance(link, BaseExceptionGroup) else ()
        link = group[0] if group else link.__cause__


def _type_of(error: BaseException) -> ErrorType | None:
    return _by_code(error) or _by_status(error) or _by_class(error)


def _by_code(error: BaseException) -> ErrorType | None:
    for name in ("code", "type"):
        code = getattr(error, name, None)
        if isinstance(code, str) and code in _CODES:
            return _CODES[code]
    return None


def _by_status(error: BaseException) -> ErrorType | None:
    status = http_status(error)
    return None if status is None else _by_answer(status, error)


def _by_answer(status: int, message: object) -> ErrorType | None:
    if status != 400:
        return status_error(status)
    text = str(message).lower()
    told = (found for code, found in _CODES.items() if f"'{code}'" in text)
    return next(told, None) or next(
        (found for phrase, found in _PHRASES.items() if phrase in text), "_OTHER"
    )


def _by_class(error: BaseException) -> ErrorType | None:
    for ancestor in type(error).__mro__:
        found = _CLASSES.get(ancestor.__name__)
        if found is not None:
            return found
    if isinstance(error, OSError) and error.errno in _NETWORK_ERRNOS:
        return "network"
    return None
