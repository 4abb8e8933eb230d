"""What every `with agent.…:` block has in common: it is measured once and lets everything pass."""

import functools
import time
from types import TracebackType
from typing import Self

from pulseguard.catalog import ERROR_TYPES, ErrorType
from pulseguard.errors import PulseGuardError
from pulseguard.guard import Guard, guarded
from pulseguard.recording.around import Around
from pulseguard.recording.error_types import error_type, is_cancellation
from pulseguard.recording.recorder import Recorder
from pulseguard.recording.values import bounded


class Block(Around):
    """A measured piece of the agent's code, for one use. Exceptions pass through untouched."""

    # No default on the class: reading it of an object takes Python ten times as long as a slot.
    __slots__ = ("_ended", "_error", "_guard", "_recorder", "_started")

    def __init__(self, recorder: Recorder, guard: Guard) -> None:
        self._recorder = recorder
        self._guard = guard
        self._started = None
        self._ended = False
        self._error: ErrorType | None = None

    def __enter__(self) -> Self:
        # Guarded by hand: what `with` passes cannot be misspelt, and every recording pays for it.
        try:
            self._open()
        except Exception as error:
            self._guard.failed("record a beginning", error)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._close(error, None)
        except Exception as failure:
            self._guard.failed("record an end", failure)

    @property
    def ended(self) -> bool:
        """Whether it is over, and counted."""
        return self._ended

    @guarded("record an error")
    def error(self, error_type: str = "_OTHER") -> None:
        """It failed, and the agent handled that itself; one of the eight error types."""
        self._check_open()
        self._error = bounded_error(error_type)

    @guarded("record a beginning")
    def begin(self) -> None:
        """Begin to measure, where a `with` block does not fit: in callbacks, or for a stream."""
        self._open()

    def _open(self) -> None:
        if self._started is not None:
            raise PulseGuardError("a block is for one use: make another")
        self._begin()
        self._started = time.perf_counter()

    @guarded("record an end")
    def end(self, error: BaseException | None = None, at: float | None = None) -> None:
        """End what `begin` began, with the exception that ended it; from any thread.

        `at` is when it ended (of time.perf_counter), where that was not now.
        """
        self._close(error, at)

    def _close(self, error: BaseException | None, at: float | None) -> None:
        now = time.perf_counter()
        started = self._started
        if started is None or self._ended:
            raise PulseGuardError("a block ends once")
        if error is not None and not isinstance(error, BaseException):
            raise TypeError("a block ends with an exception or without")
        self._ended = True
        if started < self._recorder.since:
            return  # a forked child has it from its parent, where it ends as well
        if at is not None and started <= at <= now:
            now = at
        if error is None:
            self._end(now - started, None)
        else:
            self._end_with(error, now - started)

    def _end_with(self, error: BaseException, seconds: float) -> None:
        self._error = self._failure(error) or self._error
        if type(error) is GeneratorExit:
            # Perhaps of the garbage collector, which may have come in the middle of a recording.
            self._recorder.series.put_off(functools.partial(self._end_later, seconds, error))
        else:
            self._end(seconds, error)

    @guarded("record an end")
    def _end_later(self, seconds: float, error: BaseException) -> None:
        self._end(seconds, error)

    def _begin(self) -> None:
        raise NotImplementedError

    def _end(self, seconds: float, error: BaseException | None) -> None:
        raise NotImplementedError

    def _check_open(self) -> None:
        if self._ended:
            raise PulseGuardError("the block has ended: say it inside the with block")

    def _failure(self, error: BaseException) -> ErrorType | None:
        if is_cancellation(error):
            return None
        return self._guard.attempt("classify an error", "_OTHER", error_type, error)


def bounded_error(value: object) -> ErrorType:
    """The value if it is one of the eight types, else `_OTHER`."""
    return bounded(value, ERROR_TYPES)
