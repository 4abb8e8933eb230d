"""The one place where a failure inside the exporter ends: counted, logged, never the agent's."""

import functools
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Concatenate, Final, NamedTuple, ParamSpec, Protocol, TypeVar, cast

from pulseguard.catalog import OTHER
from pulseguard.errors import ConfigurationError, PulseGuardError
from pulseguard.forking import LOGGING
from pulseguard.recording.labels import clean_label

P = ParamSpec("P")
R = TypeVar("R")

LOGGER = logging.getLogger("pulseguard")

_SECONDS_BETWEEN_LINES: Final = 60.0


class _Held(NamedTuple):
    """What a kind has said within its minute: its latest line, and how many there were."""

    lines: int
    message: str
    level: int


class OncePerMinute:
    """Log lines, each kind at most once a minute.

    What is said again within the minute is dropped. What is said anew is held back, and its latest
    is told once the minute is over (`settle`) or nobody waits for that (`flush`), unless it is not
    so any longer (`withdraw`).

    The number of kinds is bounded by the code: a kind is a constant, never a value. There is no
    lock of what is held: finalizers write as well, in a thread that would have it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told: dict[str, tuple[float, str]] = {}
        self._held: dict[str, _Held] = {}

    def write(self, kind: str, message: str, level: int = logging.WARNING) -> None:
        """Tell it now, later, or not again."""
        self.settle()
        if self._is_due(kind):
            self._tell(kind, message, message, level)
        elif message != self._told[kind][1]:
            held = self._held.get(kind)
            self._held[kind] = _Held(held.lines + 1 if held else 1, message, level)

    def settle(self) -> None:
        """Tell what was held back for its minute."""
        for kind in tuple(self._held):
            if self._is_due(kind):
                self._tell_held(kind)

    def flush(self) -> None:
        """Tell all that was held back: there may be no later."""
        for kind in tuple(self._held):
            self._tell_held(kind)

    def withdraw(self, kinds: Iterable[str]) -> None:
        """What was held back of these is not so any longer: it would only mislead."""
        for kind in kinds:
            self._held.pop(kind, None)

    def in_forked_child(self) -> None:
        """What was held back is the parent's to tell."""
        self._held.clear()

    def _is_due(self, kind: str) -> bool:
        told = self._told.get(kind)
        return told is None or self._clock() - told[0] >= _SECONDS_BETWEEN_LINES

    def _tell_held(self, kind: str) -> None:
        held = self._held.pop(kind, None)
        if held is not None:
            line = f"{held.message} (the latest of {held.lines} held back since the last such line)"
            self._tell(kind, held.message, line, held.level)

    def _tell(self, kind: str, message: str, line: str, level: int) -> None:
        self._told[kind] = self._clock(), message
        # A handler of the agent's that fails is not the agent's failure either.
        with suppress(Exception), LOGGING:
            LOGGER.log(level, "%s", line)


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

    def settle(self) -> None:
        """Tell what was held back for its minute; to be said now and then."""
        self._journal.settle()

    def failed(self, operation: str, error: Exception) -> None:
        """Count and log a failure; raise it when strict."""
        if self.strict:
            raise error
        self._count(operation)
        # A foreign message may quote what the agent passed in, and that may be a prompt.
        told = isinstance(error, PulseGuardError) or _is_systems(error) or _is_misspelt(error)
        cause = f"{type(error).__name__}: {error}" if told else type(error).__name__
        # Some quote a path, of any length.
        self._journal.write(operation, f"pulseguard could not {operation}: {cause:.500}")


def checked_strict(value: object, journal: OncePerMinute) -> bool:
    """Whether it is True: nothing else makes the library raise, and what is no bool is told.

    Anything else might not even tell whether it is true, and then raise just that.
    """
    if type(value) is not bool:
        error = ConfigurationError("strict", value, "give True or False")
        journal.write("setting strict", f"{error}; its default is used")
    return value is True


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
            # As `attempt` does, one call the less: recordings go through here.
            try:
                method(self, *args, **kwargs)
            except Exception as error:
                self._guard.failed(operation, error)

        return run

    return decorate


def made(
    operation: str, *defaults: object
) -> Callable[[Callable[Concatenate[S, P], R]], Callable[Concatenate[S, P], R]]:
    """Makes a method run under its object's guard, and again with `defaults` where it fails."""

    def decorate(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
        @functools.wraps(method)
        def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return method(self, *args, **kwargs)
            except Exception as error:
                self._guard.failed(operation, error)
                return cast(Callable[..., R], method)(self, *defaults)

        return run

    return decorate


def _is_systems(error: Exception) -> bool:
    """Whether it is an error of the operating system, told in the system's own words."""
    return isinstance(error, OSError) and type(error).__str__ is OSError.__str__


def _is_misspelt(error: Exception) -> bool:
    """Whether the call itself was wrong, which names no value: it never came into the function."""
    traceback = error.__traceback__
    return type(error) is TypeError and traceback is not None and traceback.tb_next is None
