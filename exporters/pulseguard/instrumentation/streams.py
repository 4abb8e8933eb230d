"""The inside of a client library's stream, measured: what the caller holds stays as it was."""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import lru_cache
from typing import Any, Generic, TypeVar

from pulseguard.instrumentation.measured import MeasuredCall

Chunk = TypeVar("Chunk")
# Takes from a chunk what it says of the call; whether the caller is to see the chunk.
Look = Callable[[MeasuredCall, Chunk], bool]


class _Inside:
    """What takes the place of an iterator, and is taken for it."""

    __slots__ = ("__weakref__", "_inner", "_look", "call")

    def __init__(self, inner: object, call: MeasuredCall, look: object) -> None:
        self._inner = inner
        self._look = look
        self.call = call
        call.goes_on()

    # Any: the attributes of an iterator that is not ours.
    def __getattr__(self, name: str) -> Any:
        if name in _Inside.__slots__:
            raise AttributeError(name)  # of a copy that is still being made
        return getattr(self._inner, name)

    def __del__(self) -> None:
        # Read to its end or closed it has ended long since: then this does nothing.
        self.call.drop()


class MeasuredIterator(_Inside, Generic[Chunk]):
    """An iterator over chunks that measures the call which they are the answer to."""

    __slots__ = ()
    _inner: Iterator[Chunk]
    _look: Look[Chunk]

    def __init__(self, inner: Iterator[Chunk], call: MeasuredCall, look: Look[Chunk]) -> None:
        super().__init__(inner, call, look)

    def __iter__(self) -> "MeasuredIterator[Chunk]":
        return self

    def __next__(self) -> Chunk:
        call = self.call
        while True:
            try:
                chunk = next(self._inner)
            except StopIteration:
                call.end()
                raise
            except BaseException as error:
                call.end(error)
                raise
            call.chunk()
            if call.attempt("look at a chunk", True, self._look, call, chunk):
                return chunk


class MeasuredAsyncIterator(_Inside, Generic[Chunk]):
    """The same for an asynchronous iterator."""

    __slots__ = ()
    _inner: AsyncIterator[Chunk]
    _look: Look[Chunk]

    def __init__(self, inner: AsyncIterator[Chunk], call: MeasuredCall, look: Look[Chunk]) -> None:
        super().__init__(inner, call, look)

    def __aiter__(self) -> "MeasuredAsyncIterator[Chunk]":
        return self

    async def __anext__(self) -> Chunk:
        call = self.call
        while True:
            try:
                chunk = await self._inner.__anext__()
            except StopAsyncIteration:
                call.end()
                raise
            except BaseException as error:
                call.end(error)
                raise
            call.chunk()
            if call.attempt("look at a chunk", True, self._look, call, chunk):
                return chunk


def is_stream(answer: Any) -> bool:  # Any: not our types
    """Whether this is a stream of a Stainless client (openai, anthropic), or a proxy of one."""
    return _is_stream_class(answer.__class__)


# Asked of every answer, and a Pydantic class takes long to say that it has no such attribute.
@lru_cache(maxsize=64)
def _is_stream_class(kind: type) -> bool:
    return hasattr(kind, "__stream__")


def measure_stream(stream: Any, call: MeasuredCall, look: Look[Any]) -> bool:  # Any: not our types
    """Measure what a stream has inside: its `_iterator`, made anew or there already.

    The stream itself stays the very object. True: the call goes on with it.
    """
    inner = stream._iterator
    if hasattr(inner, "__anext__"):
        stream._iterator = MeasuredAsyncIterator(inner, call, look)
    else:
        stream._iterator = MeasuredIterator(inner, call, look)
    return True


def end_stream(stream: Any) -> None:  # Any: not our types
    """The caller has closed a stream: its call, if it is a measured one, is over."""
    inside = getattr(stream, "_iterator", None)
    if isinstance(inside, _Inside):
        inside.call.end()
