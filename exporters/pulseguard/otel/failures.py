"""Whether a span has failed, and the bounded type of its failure."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import StatusCode

from pulseguard.catalog import ErrorType
from pulseguard.otel.conventions import Attributes
from pulseguard.recording.error_types import (
    error_type,
    http_status,
    is_cancellation,
    named_error_type,
)

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

_ERROR_TYPE: Final = "error.type"
_CANCELLATIONS: Final = frozenset({"CancelledError", "GeneratorExit", "KeyboardInterrupt"})


def failure_of(span: "ReadableSpan", attributes: Attributes) -> ErrorType | None:
    """The type of a span's failure; None where it has not failed, or the caller gave up.

    To be asked while the span ends: the exception that ends it is then in flight, as a rule, and
    says more than the name that is left of it on the span. What it says to people is not read.
    """
    if span.status.status_code is not StatusCode.ERROR and _ERROR_TYPE not in attributes:
        return None
    names = list(_names(span, attributes))
    error = sys.exception()
    if error is not None and _is_one_of(error, names):
        return None if is_cancellation(error) else error_type(error)
    if any(_class_name(name) in _CANCELLATIONS for name in names):
        return None
    return next(filter(None, map(named_error_type, names)), "_OTHER")


def _names(span: "ReadableSpan", attributes: Attributes) -> Iterator[str]:
    """What the failure is called: by the span, by its exceptions (latest first), by its status."""
    stated = attributes.get(_ERROR_TYPE)
    if isinstance(stated, str):
        # opentelemetry-instrumentation-openai-v2 says `<class 'openai.RateLimitError'>`.
        yield stated.removeprefix("<class '").removesuffix("'>")
    for event in reversed(span.events):
        name = (event.attributes or {}).get("exception.type")
        if isinstance(name, str):
            yield name
    description = span.status.description
    if description:
        # As the SDK writes it: `ValueError: what it says`.
        yield description.partition(":")[0]


def _is_one_of(error: BaseException, names: list[str]) -> bool:
    own = {type(error).__name__, str(http_status(error))}
    return any(_class_name(name) in own for name in names)


def _class_name(name: str) -> str:
    return name.rpartition(".")[2]
