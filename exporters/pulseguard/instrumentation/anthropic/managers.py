"""`messages.stream()`: the request is sent when what it returned is entered, and begins there."""

import functools
from typing import Any
from weakref import WeakKeyDictionary

from pulseguard.instrumentation.anthropic.endpoint import Messages, see_event
from pulseguard.instrumentation.measured import MeasuredCall, Meter
from pulseguard.instrumentation.methods import (
    Arguments,
    Method,
    measured,
    measured_coroutine,
)
from pulseguard.instrumentation.streams import measure_stream
from pulseguard.recording.model_series import CallNames

# Any in this module: resources and managers of the client library.


class Managers:
    """What `stream` returned and nobody has entered, by what its call is counted under.

    Also the endpoint that entering one is.
    """

    def __init__(self, messages: Messages, meter: Meter) -> None:
        self._messages = messages
        self._meter = meter
        self._names: WeakKeyDictionary[Any, CallNames] = WeakKeyDictionary()

    def returning(self, method: Method) -> Method:
        """A method that returns a manager."""

        @functools.wraps(method)
        def run(resource: Any, *args: Any, **arguments: Any) -> Any:
            manager = method(resource, *args, **arguments)
            if self._meter.active:
                guard = self._meter.guard
                guard.attempt("follow a call", None, self._remember, manager, resource, arguments)
            return manager

        return run

    def entered(self, method: Method) -> Method:
        """The method by which a manager is entered."""
        begin = measured(method, self._meter, self)

        @functools.wraps(method)
        def run(manager: Any) -> Any:
            # Managers of other makers (threads) come with a request that is measured by itself.
            return begin(manager) if manager in self._names else method(manager)

        return run

    def entered_coroutine(self, method: Method) -> Method:
        """The same where that is awaited."""
        begin = measured_coroutine(method, self._meter, self)

        @functools.wraps(method)
        async def run(manager: Any) -> Any:
            return await (begin(manager) if manager in self._names else method(manager))

        return run

    def names(self, manager: Any, arguments: Arguments) -> CallNames:
        return self._names[manager]

    def request(self, manager: Any, arguments: Arguments) -> Arguments:
        return arguments

    def answer(
        self, call: MeasuredCall, answer: Any, arguments: Arguments, sent: Arguments
    ) -> bool:
        return measure_stream(answer._raw_stream, call, see_event)

    def _remember(self, manager: Any, resource: Any, arguments: Arguments) -> None:
        self._names[manager] = self._messages.names(resource, arguments)
