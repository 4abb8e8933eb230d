"""A call that an instrumented client makes: counted once, however and wherever it ends."""

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, ParamSpec, TypeVar

from pulseguard.current import current_agent
from pulseguard.guard import Guard, OncePerMinute
from pulseguard.recording.calls import OPEN_CALL, LlmCall
from pulseguard.recording.model_series import CallNames
from pulseguard.recording.usage import Usage

if TYPE_CHECKING:
    from pulseguard.agent import Agent

P = ParamSpec("P")
R = TypeVar("R")

# Whether a stream is asked for its usage where the caller did not ask: of every server, of those
# known to take the question, of none.
AskUsage = Literal["always", "known", "never"]

# The call that a client's measured method is making here. Not OPEN_CALL: a block made by hand is
# open around whatever else a client is asked in it.
_UNDER_WAY: Final[ContextVar[LlmCall | None]] = ContextVar("pulseguard_under_way", default=None)


def call_under_way() -> LlmCall | None:
    """The call that what the client does here is done for, if it is measured."""
    return _UNDER_WAY.get()


class MeterJournal(OncePerMinute):
    """Lines about a library: said by the agent that they are about, where there is one.

    Its threads, and its stop, tell what was held back.
    """

    def __init__(self, find_agent: Callable[[], "Agent | None"]) -> None:
        super().__init__()
        self._find_agent = find_agent

    def write(self, kind: str, message: str, level: int = logging.WARNING) -> None:
        agent = self._find_agent()
        if agent is None:
            super().write(kind, message, level)
        else:
            agent._journal.write(kind, message, level)


class Meter:
    """Begins the measured calls of one instrumented library, as `instrument` was told to."""

    def __init__(self, library: str) -> None:
        self.active = False
        self.agent: Agent | None = None
        self.ask_usage: AskUsage = "known"
        self.journal = MeterJournal(self._find_agent)
        self.guard = Guard(self._exporter_failed, self.journal)
        self._library = library

    def begin(
        self, describe: Callable[P, CallNames], *args: P.args, **kwargs: P.kwargs
    ) -> "MeasuredCall | None":
        """A call that begins now, under the names that `describe` tells of it.

        None where it is not to be measured: nothing is instrumented any more, or there is no
        agent. Where a call is open around this one, by hand or by another wrapper, it is that one
        that is counted, and it is told what this one learns.
        """
        if not self.active:
            return None
        agent = self.agent or current_agent()
        if agent is None:
            message = (
                f"a call of {self._library} is not recorded: no agent has been started; "
                "call agent.start()"
            )
            self.journal.write("no agent", message)
            return None
        around = OPEN_CALL.get()
        if around is not None and not around.ended:
            return MeasuredCall(around, counted=False)
        # By hand, as below: every call of a client pays for this.
        guard = agent._guard
        try:
            call = LlmCall(agent._recorder, guard, *describe(*args, **kwargs))
            call._open()
        except Exception as error:
            guard.failed("begin a call", error)
            return None
        return MeasuredCall(call, counted=True)

    def _find_agent(self) -> "Agent | None":
        return self.agent or current_agent()

    def _exporter_failed(self, operation: str) -> None:
        agent = self._find_agent()
        if agent is not None:
            agent._recorder.exporter_failed(operation)


class MeasuredCall:
    """One call under way. `usage` is what the provider said last, for the whole call.

    While `unfinished`, it speaks of the part of the answer that had been made by then.

    Nothing here raises, but where the agent is strict.
    """

    __slots__ = (
        *("__weakref__", "_around", "_call", "_counted", "_ended", "_last"),
        *("unfinished", "usage"),
    )

    def __init__(self, call: LlmCall, counted: bool) -> None:
        self.usage: Usage | None = None
        self.unfinished = False
        self._call = call
        self._counted = counted
        self._ended = False
        self._last: float | None = None

    def attempt(
        self, what: str, default: R, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """What `function` returns; `default` where it fails, which is the exporter's failure."""
        return self._call._guard.attempt(what, default, function, *args, **kwargs)

    def failed(self, what: str, error: Exception) -> None:
        """A failure of the exporter's own."""
        self._call._guard.failed(what, error)

    def enter(self) -> LlmCall | None:
        """Be the open call of this context; returns what `leave` wants back."""
        around = OPEN_CALL.get()
        OPEN_CALL.set(self._call)
        self._around = _UNDER_WAY.get()
        _UNDER_WAY.set(self._call)
        return around

    def leave(self, around: LlmCall | None) -> None:
        """End what `enter` began."""
        # Not where a coroutine that nobody awaits any more is closed, in somebody else's context.
        if OPEN_CALL.get() is self._call:
            OPEN_CALL.set(around)
            _UNDER_WAY.set(self._around)

    def chunk(self) -> None:
        """A piece of a stream is there; to be said of each: that is progress of the agent's."""
        self._call.first_chunk()
        self._last = time.perf_counter()

    def error(self, kind: str) -> None:
        """It failed, and the client says so in its answer: one of the eight error types."""
        if self._counted:
            self._call.error(kind)

    def goes_on(self) -> None:
        """The answer is there, and its body is still to be read."""
        self._last = time.perf_counter()
        self._call.answered = True
        if self._counted:
            self._call._recorder.calls.answer_goes_on(self)

    def end(self, error: BaseException | None = None) -> None:
        """The call is over, with the exception that ended it; the first to say so is heard."""
        if not self._ended:
            self._ended = True
            self._finish(error, None)

    def drop(self) -> None:
        """Nobody reads the answer any more: the call was over with its last chunk.

        For the end of the agent, and for finalizers: the garbage collector may run anywhere, within
        a recording of this very thread too, and then the lock that recordings take is not to be
        had.
        """
        if self._ended:
            return
        self._ended = True
        series = self._call._recorder.series
        series.put_off(partial(self._finish, None, self._last))

    def _finish(self, error: BaseException | None, at: float | None) -> None:
        usage = self.usage
        if self.unfinished:
            self._call.unfinished()
        if not self._counted:
            if usage is not None:
                self._call.found_usage(usage)
            if error is None:
                self._call.answered = True
            return
        if error is not None and self._last is None:
            self._call.answered = False
        if usage is not None:
            try:
                self._call.take_usage(usage)
            except Exception as failure:
                self.failed("record token usage", failure)
        try:
            self._call._close(error, at)
        except Exception as failure:
            self.failed("record an end", failure)


def token_count(value: Any) -> int | None:  # Any: whatever a server put there
    """The value if it is a count of tokens, else unknown."""
    return value if type(value) is int and value >= 0 else None
