"""What every `with agent.…:` block has in common: it is measured once and lets everything pass."""

import time
from types import TracebackType
from typing import Self

from pulseguard.catalog import ERROR_TYPES, ErrorType
from pulseguard.error_types import error_type, is_cancellation
from pulseguard.errors import PulseGuardError
from pulseguard.guard import Guard, guarded
from pulseguard.recorder import Recorder


class Block:
    """A measured piece of the agent's code, for one use. Exceptions pass through untouched."""

    __slots__ = ("_ended", "_error", "_guard", "_recorder", "_started")

    def __init__(self, recorder: Recorder, guard: Guard) -> None:
        self._recorder = recorder
        self._guard = guard
        self._started: float | None = None
        self._ended = False
        self._error: ErrorType | None = None

    def __enter__(self) -> Self:
        self._enter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave(error)

    @guarded("record an error")
    def error(self, error_type: str = "_OTHER") -> None:
        """It failed, and the agent handled that itself; one of the eight error types."""
        self._check_open()
        self._error = bounded_error(error_type)

    @guarded("record a beginning")
    def _enter(self) -> None:
        if self._started is not None:
            raise PulseGuardError("a block is for one use: make another")
        self._begin()
        self._started = time.perf_counter()

    @guarded("record an end")
    def _leave(self, error: BaseException | None) -> None:
        if self._started is None or self._ended:
            raise PulseGuardError("a block ends once")
        seconds = time.perf_counter() - self._started
        self._ended = True
        self._error = self._failure(error) or self._error
        self._end(seconds, error)

    def _begin(self) -> None:
        raise NotImplementedError

    def _end(self, seconds: float, error: BaseException | None) -> None:
        raise NotImplementedError

    def _check_open(self) -> None:
        if self._ended:
            raise PulseGuardError("the block has ended: say it inside the with block")

    def _failure(self, error: BaseException | None) -> ErrorType | None:
        if error is None or is_cancellation(error):
            return None
        return self._guard.attempt("classify an error", "_OTHER", error_type, error)


def bounded_error(value: object) -> ErrorType:
    """The value if it is one of the eight types, else `_OTHER`."""
    return next((known for known in ERROR_TYPES if known == value), "_OTHER")
