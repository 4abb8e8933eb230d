"""The trace that is being recorded around this code, where OpenTelemetry is in use."""

import sys
from collections.abc import Callable
from typing import Final

# Told the operation of each model call that begins: whoever counts model calls from spans must
# not count those again. They raise nothing.
CALL_LISTENERS: Final[list[Callable[[str], None]]] = []


def active_trace_id() -> str | None:
    """The id of the current span's trace, as its 32 hexadecimal digits; None without a sampled one.

    To be asked where `opentelemetry.trace` is loaded: elsewhere there is no span, and nothing is
    imported to find out.
    """
    trace = sys.modules["opentelemetry.trace"]
    context = trace.get_current_span().get_span_context()
    if not context.is_valid or not context.trace_flags.sampled:
        return None
    return f"{context.trace_id:032x}"


def tell_of_call(operation: str) -> None:
    """A model call of this operation begins here, and is counted as such."""
    for listener in CALL_LISTENERS:
        listener(operation)
