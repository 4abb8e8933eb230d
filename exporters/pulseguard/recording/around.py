"""The ways in which a block can stand around code: `with`, `async with`, as a decorator."""

from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from pulseguard.errors import PulseGuardError
from pulseguard.guard import Guard

F = TypeVar("F", bound=Callable[..., object])


class Around:
    """What `with` does, for `async with` and for decorators."""

    __slots__ = ()

    _guard: Guard
    _started: float | None

    def __enter__(self) -> Self:
        raise NotImplementedError

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: F) -> F:
        """As a decorator: a new block around each call of the function.

        For functions, coroutine functions, generators and async generators. The block of a
        generator lasts from when its first item is asked for until it ends, fails or is closed,
        with the time that passes between two items; one that nobody asks is not counted. A
        function that is no generator itself and returns one is over when it has returned it: put
        a block of its own around the reading. Name, signature and kind of the function are kept,
        what it returns and raises passes untouched.
        """
        return self._guard.attempt("decorate a function", function, self._decorated, function)

    def _decorated(self, function: F) -> F:
        if self._started is not None:
            raise PulseGuardError("a block in use decorates nothing: make another")
        # Here: most agents decorate nothing, and `inspect` costs everybody's import.
        from pulseguard.recording.decoration import decorated

        return decorated(self, function)
