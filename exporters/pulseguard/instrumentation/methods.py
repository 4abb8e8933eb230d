"""The methods of a client that call a model, measured."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from pulseguard.instrumentation.measured import MeasuredCall, Meter
from pulseguard.recording.model_series import CallNames

# Any in this module: methods, arguments and answers of libraries that are not ours.
Method: TypeAlias = Callable[..., Any]
Arguments: TypeAlias = dict[str, Any]
Then: TypeAlias = Callable[[Any, Any], None]
Failed: TypeAlias = Callable[[Any, BaseException], None]
Wanted: TypeAlias = Callable[[], bool]


class Endpoint(Protocol):
    """What is known of one method of a client. Whatever fails in it is the exporter's failure."""

    def names(self, resource: Any, arguments: Arguments) -> CallNames:
        """What the call is counted under: the words of OpenTelemetry's GenAI conventions."""

    def request(self, resource: Any, arguments: Arguments) -> Arguments:
        """The arguments to go with: the caller's, or a copy that asks for usage too.

        Asked only where `stream` is among them.
        """

    def answer(
        self, call: MeasuredCall, answer: Any, arguments: Arguments, sent: Arguments
    ) -> bool:
        """Reads the answer; True where the call goes on, as a stream that will end it.

        `sent` is what `request` made of `arguments`.
        """


def _always() -> bool:
    return True


def measured(method: Method, meter: Meter, endpoint: Endpoint) -> Method:
    """A method that calls a model, measured."""

    @functools.wraps(method)
    def run(resource: Any, *args: Any, **arguments: Any) -> Any:
        call = meter.begin(endpoint.names, resource, arguments)
        if call is None:
            return method(resource, *args, **arguments)
        sent = _sent(call, endpoint, resource, arguments) if "stream" in arguments else arguments
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
        sent = _sent(call, endpoint, resource, arguments) if "stream" in arguments else arguments
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


def followed(
    method: Method,
    meter: Meter,
    then: Then,
    failed: Failed | None = None,
    wanted: Wanted = _always,
) -> Method:
    """A method after which `then` is told of its object and of what it returned.

    `failed` is told of its object and of the exception that it raised instead; nobody is told of
    anything where it was called while nothing of it is `wanted`.
    """

    @functools.wraps(method)
    def run(self: Any, *args: Any, **arguments: Any) -> Any:
        if not wanted():
            return method(self, *args, **arguments)
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
    method: Method,
    meter: Meter,
    then: Then,
    failed: Failed | None = None,
    wanted: Wanted = _always,
) -> Method:
    """The same for a method whose result is awaited."""

    @functools.wraps(method)
    async def run(self: Any, *args: Any, **arguments: Any) -> Any:
        if not wanted():
            return await method(self, *args, **arguments)
        try:
            returned = await method(self, *args, **arguments)
        except BaseException as error:
            if failed is not None:
                meter.guard.attempt("follow a failure", None, failed, self, error)
            raise
        meter.guard.attempt("follow a call", None, then, self, returned)
        return returned

    return run


def _sent(call: MeasuredCall, endpoint: Endpoint, resource: Any, arguments: Arguments) -> Arguments:
    return call.attempt("ask for usage", arguments, endpoint.request, resource, arguments)


def _read(
    call: MeasuredCall, endpoint: Endpoint, answer: Any, arguments: Arguments, sent: Arguments
) -> None:
    # Not by `attempt`: what a call costs is the number of functions that it goes through.
    try:
        goes_on = endpoint.answer(call, answer, arguments, sent)
    except Exception as error:
        call.failed("read an answer", error)
        goes_on = False
    if not goes_on:
        call.end()
