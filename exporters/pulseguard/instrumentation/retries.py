"""What a Stainless client (openai, anthropic) asks again by itself, within a measured call."""

import functools
import inspect
import logging
import sys
from typing import Any

from pulseguard.catalog import OTHER, ErrorType
from pulseguard.instrumentation.measured import Meter, call_under_way
from pulseguard.instrumentation.methods import Arguments, Method
from pulseguard.instrumentation.patching import Wrap
from pulseguard.recording.calls import LlmCall
from pulseguard.recording.error_types import error_type, status_error

# Any in this module: methods, arguments and answers of libraries that are not ours.
_WAIT = "_sleep_for_retry"


def retries(module: str, meter: Meter) -> list[Wrap]:
    """The waits before a client asks again, in the module of its base clients.

    They are not the client's interface: a version without them has its calls measured all the
    same, and nobody can do anything about it.
    """

    def wrapped(method: Method) -> Method:
        return counted_wait(method, meter)

    return [
        Wrap(module, owner, _WAIT, wrapped, logging.DEBUG)
        for owner in ("SyncAPIClient", "AsyncAPIClient")
    ]


def counted_wait(method: Method, meter: Meter) -> Method:
    """The wait after an attempt in vain: once it is over the client asks again."""

    @functools.wraps(method)
    def run(client: Any, *args: Any, **arguments: Any) -> Any:
        again = meter.guard.attempt("see a retry", None, _seen, arguments)
        returned = method(client, *args, **arguments)
        if again is not None:
            again[0].found_retry(again[1])
        return returned

    @functools.wraps(method)
    async def run_awaited(client: Any, *args: Any, **arguments: Any) -> Any:
        again = meter.guard.attempt("see a retry", None, _seen, arguments)
        returned = await method(client, *args, **arguments)
        if again is not None:
            again[0].found_retry(again[1])
        return returned

    return run_awaited if inspect.iscoroutinefunction(method) else run


def _seen(arguments: Arguments) -> tuple[LlmCall, ErrorType] | None:
    call = call_under_way()
    return None if call is None else (call, _reason(arguments))


def _reason(arguments: Arguments) -> ErrorType:
    """Why: by the answer's status; where there was none, by the exception that is handled here."""
    if "response" not in arguments:
        return OTHER
    response = arguments["response"]
    if response is not None:
        return status_error(response.status_code) or OTHER
    error = sys.exception()
    return OTHER if error is None else error_type(error)
