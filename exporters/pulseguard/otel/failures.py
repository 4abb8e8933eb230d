"""How a span has ended: well, given up by the caller, or with a failure of a bounded type."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal, NamedTuple
from weakref import WeakValueDictionary

from opentelemetry.trace import StatusCode

from pulseguard.catalog import OTHER, ErrorType
from pulseguard.otel.conventions import Attributes
from pulseguard.recording.error_types import (
    error_type,
    http_status,
    is_cancellation,
    named_error_type,
    told_error_type,
)

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

GivenUp = Literal["cancelled", "closed"]

_ERROR_TYPE: Final = "error.type"
_CANCELLATIONS: Final = frozenset({"CancelledError", "KeyboardInterrupt"})
# Of a stream that was handed out and let go: as Python says it, and opentelemetry-util-genai.
_CLOSINGS: Final = frozenset({"GeneratorExit", "abandoned stream"})
# What the failures of a model's client derive from: of openai and anthropic, and of Pydantic AI.
_CLIENT_ERRORS: Final = frozenset({"APIError", "ModelAPIError"})
# Those that a model call has been counted with, by their id: not every error can be hashed.
_TOLD: Final[WeakValueDictionary[int, BaseException]] = WeakValueDictionary()


class Ending(NamedTuple):
    """How a span has ended.

    A caller who gives up has `cancelled` it, perhaps before any answer, or `closed` a stream that
    he had. A cancellation is `untold` where the span itself says nothing of it.
    """

    failure: ErrorType | None = None
    given_up: GivenUp | None = None
    untold: bool = False


def ending_of(span: "ReadableSpan", attributes: Attributes, handled: int = 0) -> Ending:
    """To be asked while the span ends: the exception that ends it is then in flight, as a rule.

    It says more than the name that is left of it on the span. `handled` is the id of the one that
    was in flight when the span began, and does not end it. What the span tells people is looked
    through for a status and its words where no name says enough, and not kept.
    """
    error = sys.exception()
    if span.status.status_code is not StatusCode.ERROR and _ERROR_TYPE not in attributes:
        if error is None or id(error) == handled or not is_cancellation(error):
            return Ending()
        return _given_up(error, untold=True)
    names = list(_names(span, attributes))
    if error is not None and _is_one_of(error, names):
        if is_cancellation(error):
            return _given_up(error)
        return Ending(error_type(error))
    classes = {_class_name(name) for name in names}
    if classes & _CANCELLATIONS:
        return Ending(given_up="cancelled")
    if classes & _CLOSINGS:
        return Ending(given_up="closed")
    return Ending(_named(names) or told_error_type(span.status.description or "") or "_OTHER")


def tell_client_failure() -> ErrorType | None:
    """The type of the error of a model's client that is in flight; of each but once."""
    error = sys.exception()
    if error is None or _TOLD.get(id(error)) is error or not _is_a_clients(error):
        return None
    _TOLD[id(error)] = error
    return error_type(error)


def _given_up(error: BaseException, untold: bool = False) -> Ending:
    if isinstance(error, GeneratorExit):
        return Ending(given_up="closed")
    return Ending(given_up="cancelled", untold=untold)


def _is_a_clients(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):  # of the models that were asked in turn
        return all(map(_is_a_clients, error.exceptions))
    return any(ancestor.__name__ in _CLIENT_ERRORS for ancestor in type(error).__mro__)


def _named(names: list[str]) -> ErrorType | None:
    types = map(named_error_type, names)
    return next((found for found in types if found not in (None, OTHER)), None)


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
