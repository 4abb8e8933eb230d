"""The methods of a client that call a model, measured."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from pulseguard.instrumentation.measured import MeasuredCall, Meter, Names

# Any in this module: methods, arguments and answers of libraries that are not ours.
Method: TypeAlias = Callable[..., Any]
Arguments: TypeAlias = dict[str, Any]
Then: TypeAlias = Callable[[Any, Any], None]
Failed: TypeAlias = Callable[[Any, BaseException], None]


class Endpoint(Protocol):
    """What is known of one method of a client. Whatever fails in it is the exporter's failure."""

    def names(self, resource: Any, arguments: Arguments) -> Names:
        """What the call is counted under."""

    def request(self, resource: Any, arguments: Arguments) -> Arguments:
        """The arguments to go with: the caller's, or a copy that asks for usage too."""

    def answer(
        self, call: MeasuredCall, answer: Any, arguments: Arguments, sent: Arguments
    ) -> bool:
        """Reads the answer; True where the call goes on, as a stream that will end it.

        `sent` is what `request` made of `arguments`.
        """


def measured(method: Method, meter: Meter, endpoint: Endpoint) -> Method:
    """A method that calls a model, measured."""

    @functools.wraps(method)
    def run(resource: Any, *args: Any, **arguments: Any) -> Any:
        call = meter.begin(endpoint.names, resource, arguments)
        if call is None:
            return method(resource, *args, **arguments)
        sent = call.attempt("ask for usage", arguments, endpoint.request, resource, arguments)
        around = call.enter()
        try:
            answer = method(resource, *args, **sent)
        except BaseException as error:
            call.end(error)
            raise
        finally:
            call.leave(around)
        _read(call, endpoint, answer, arguments, sent)
        return answer

    return run


def measured_coroutine(method: Method, meter: Meter, endpoint: Endpoint) -> Method:
    """The same for a method whose answer is awaited."""

    @functools.wraps(method)
    async def run(resource: Any, *args: Any, **arguments: Any) -> Any:
        call = meter.begin(endpoint.names, resource, arguments)
        if call is None:
            return await method(resource, *args, **arguments)
        sent = call.attempt("ask for usage", arguments, endpoint.request, resource, arguments)
        around = call.enter()
        try:
            answer = await method(resource, *args, **sent)
        except BaseException as error:
            call.end(error)
            raise
        finally:
            call.leave(around)
        _read(call, endpoint, answer, arguments, sent)
        return answer

    if inspect.iscoroutinefunction(method):
        return run

    # `create` is a plain function that returns a coroutine: some ask which of the two it is.
    @functools.wraps(method)
    def begin(resource: Any, *args: Any, **arguments: Any) -> Any:
        return run(resource, *args, **arguments)

    return begin


def followed(method: Method, meter: Meter, then: Then, failed: Failed | None = None) -> Method:
    """A method after which `then` is told of its object and of what it returned.

    `failed` is told of its object and of the exception that it raised instead.
    """

    @functools.wraps(method)
    def run(self: Any, *args: Any, **arguments: Any) -> Any:
        try:
            returned = method(self, *args, **arguments)
        except BaseException as error:
            if failed is not None:
                meter.guard.attempt("follow a failure", None, failed, self, error)
            raise
        meter.guard.attempt("follow a call", None, then, self, returned)
        return returned

    return run


def followed_coroutine(
    method: Method, meter: Meter, then: Then, failed: Failed | None = None
) -> Method:
    """The same for a method whose result is awaited."""

    @functools.wraps(method)
    async def run(self: Any, *args: Any, **arguments: Any) -> Any:
        try:
            returned = await method(self, *args, **arguments)
        except BaseException as error:
            if failed is not None:
                meter.guard.attempt("follow a failure", None, failed, self, error)
            raise
        meter.guard.attempt("follow a call", None, then, self, returned)
        return returned

    return run


def _read(
    call: MeasuredCall, endpoint: Endpoint, answer: Any, arguments: Arguments, sent: Arguments
) -> None:
    if not call.attempt("read an answer", False, endpoint.answer, call, answer, arguments, sent):
        call.end()
