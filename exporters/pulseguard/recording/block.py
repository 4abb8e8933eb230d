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

    # What nothing is known of yet stays on the class: a block is made for every recording.
    _started: float | None = None
    _ended = False
    _error: ErrorType | None = None

    def __init__(self, recorder: Recorder, guard: Guard) -> None:
        self._recorder = recorder
        self._guard = guard

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end(error)

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
        if self._started is not None:
            raise PulseGuardError("a block is for one use: make another")
        self._begin()
        self._started = time.perf_counter()

    @guarded("record an end")
    def end(self, error: BaseException | None = None, at: float | None = None) -> None:
        """End what `begin` began, with the exception that ended it; from any thread.

        `at` is when it ended (of time.perf_counter), where that was not now.
        """
        if self._started is None or self._ended:
            raise PulseGuardError("a block ends once")
        if self._started < self._recorder.since:
            # A forked child has it from its parent, where it ends as well.
            self._ended = True
            return
        if error is not None and not isinstance(error, BaseException):
            raise TypeError("a block ends with an exception or without")
        now = time.perf_counter()
        seconds = (now if at is None or not self._started <= at <= now else at) - self._started
        self._ended = True
        if error is not None:
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
