"""Functions of every kind with a block around each of their calls."""

import copy
import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, TypeVar, cast

from pulseguard.current import WORKING_AGENT
from pulseguard.recording.around import Around
from pulseguard.recording.calls import OPEN_CALL
from pulseguard.recording.tally import OPEN_TALLY

F = TypeVar("F", bound=Callable[..., object])
Function = Callable[..., object]

# Any, because a context variable is invariant: each is only given back what it held.
_OWN_CONTEXT: Final[tuple[ContextVar[Any], ...]] = (WORKING_AGENT, OPEN_CALL, OPEN_TALLY)


def decorated(template: Around, function: F) -> F:
    """The function, with a new block like the template, which stays unused, around each call."""
    if isinstance(function, staticmethod | classmethod):
        return cast(F, type(function)(decorated(template, function.__func__)))
    if isinstance(function, type) or not callable(function):
        raise TypeError("only functions can be decorated")
    for is_of_kind, wrap in _KINDS:
        if is_of_kind(function) or is_of_kind(type(function).__call__):
            return cast(F, wrap(template, function))
    return cast(F, _plain(template, function))


def _plain(template: Around, function: Function) -> Function:
    @functools.wraps(function)
    def run(*args: object, **kwargs: object) -> object:
        with copy.copy(template):
            return function(*args, **kwargs)

    return run


def _coroutine(
    template: Around, function: Callable[..., Coroutine[object, object, object]]
) -> Function:
    @functools.wraps(function)
    async def run(*args: object, **kwargs: object) -> object:
        with copy.copy(template):
            return await function(*args, **kwargs)

    return run


def _generator(
    template: Around, function: Callable[..., Generator[object, object, object]]
) -> Function:
    @functools.wraps(function)
    def run(*args: object, **kwargs: object) -> Generator[object, object, object]:
        generator = function(*args, **kwargs)
        step: Callable[..., object] = generator.send
        value: object = None
        with _Kept(copy.copy(template)) as inside:
            while True:
                try:
                    with inside:
                        item = step(value)
                except StopIteration as end:
                    return end.value
                finally:
                    value = None  # an exception would keep this frame alive
                try:
                    value, step = (yield item), generator.send
                except GeneratorExit:
                    with inside:
                        generator.close()
                    raise
                except BaseException as error:
                    value, step = error, generator.throw

    return run


def _async_generator(
    template: Around, function: Callable[..., AsyncGenerator[object, object]]
) -> Function:
    @functools.wraps(function)
    async def run(*args: object, **kwargs: object) -> AsyncGenerator[object, object]:
        generator = function(*args, **kwargs)
        step: Callable[..., Coroutine[object, object, object]] = generator.asend
        value: object = None
        with _Kept(copy.copy(template)) as inside:
            while True:
                try:
                    with inside:
                        item = await step(value)
                except StopAsyncIteration:
                    return
                finally:
                    value = None
                try:
                    value, step = (yield item), generator.asend
                except GeneratorExit:
                    with inside:
                        await generator.aclose()
                    raise
                except BaseException as error:
                    value, step = error, generator.athrow

    return run


class _Inside:
    """PulseGuard's context of a generator, kept from whoever iterates over it.

    Python shares context variables between the two: without this, calls made between two items
    would seem to be part of the generator's.
    """

    def __init__(self) -> None:
        self._inside = self._outside = _context()

    def __enter__(self) -> None:
        self._outside = _context()
        _set_context(self._inside)

    def __exit__(self, *error: object) -> None:
        self._inside = _context()
        _set_context(self._outside)


class _Kept:
    """A block in a context of its own."""

    def __init__(self, block: Around) -> None:
        self._block = block
        self._inside = _Inside()

    def __enter__(self) -> _Inside:
        with self._inside:
            self._block.__enter__()
        return self._inside

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._inside:
            self._block.__exit__(kind, error, traceback)


def _context() -> tuple[object, ...]:
    return tuple(variable.get() for variable in _OWN_CONTEXT)


def _set_context(values: tuple[object, ...]) -> None:
    for variable, value in zip(_OWN_CONTEXT, values, strict=True):
        variable.set(value)


# The wrapper of each kind takes functions of that kind only, which no type can say here.
_KINDS: Final[tuple[tuple[Callable[[object], bool], Callable[[Around, Any], Function]], ...]] = (
    (inspect.iscoroutinefunction, _coroutine),
    (inspect.isgeneratorfunction, _generator),
    (inspect.isasyncgenfunction, _async_generator),
)
