"""The one place where a failure inside the exporter ends: counted, logged, never the agent's."""

import functools
import logging
import time
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from pulseguard.catalog import OTHER
from pulseguard.errors import PulseGuardError
from pulseguard.labels import clean_label

P = ParamSpec("P")
R = TypeVar("R")

LOGGER = logging.getLogger("pulseguard")


class OncePerMinute:
    """Log lines, each kind at most once a minute.

    The number of kinds is bounded by the code: a kind is a constant, never a value.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[str, float] = {}

    def write(self, kind: str, message: str, level: int = logging.WARNING) -> None:
        now = self._clock()
        last = self._last.get(kind)
        if last is None or now - last >= 60:
            self._last[kind] = now
            LOGGER.log(level, "%s", message)


class Guard:
    """Runs the exporter's own code so that none of its failures reaches the agent.

    A failure is counted by `count` and logged at most once a minute a kind. With `strict` it is
    raised instead, for tests.
    """

    def __init__(
        self, count: Callable[[str], None], journal: OncePerMinute, strict: bool = False
    ) -> None:
        self._count = count
        self._journal = journal
        self.strict = strict

    def attempt(
        self,
        operation: str,
        default: R,
        function: Callable[P, R],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> R:
        """What `function` returns, or `default` where it fails."""
        try:
            return function(*args, **kwargs)
        except Exception as error:
            self.failed(operation, error)
            return default

    def text(self, value: object) -> str:
        """The value as text for a label; `_OTHER` where it cannot even say what it is."""
        if type(value) is str:
            return value
        return self.attempt("read a label", OTHER, clean_label, value)

    def failed(self, operation: str, error: Exception) -> None:
        """Count and log a failure; raise it when strict."""
        if self.strict:
            raise error
        self._count(operation)
        # A foreign message may quote what the agent passed in, and that may be a prompt.
        told = isinstance(error, PulseGuardError | OSError)
        cause = f"{type(error).__name__}: {error}" if told else type(error).__name__
        self._journal.write(operation, f"pulseguard could not {operation}: {cause}")


class Guarded(Protocol):
    """Whatever carries a guard."""

    @property
    def _guard(self) -> Guard: ...


S = TypeVar("S", bound=Guarded)


def guarded(
    operation: str,
) -> Callable[[Callable[Concatenate[S, P], None]], Callable[Concatenate[S, P], None]]:
    """Makes a method that returns nothing run under its object's guard."""

    def decorate(method: Callable[Concatenate[S, P], None]) -> Callable[Concatenate[S, P], None]:
        @functools.wraps(method)
        def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> None:
            self._guard.attempt(operation, None, method, self, *args, **kwargs)

        return run

    return decorate
