"""The spans that are open and matter: what each is about, and what it is inside of."""

import time
from collections import OrderedDict
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Final

from pulseguard.catalog import ErrorType
from pulseguard.otel.conventions import INFERENCE, Kind
from pulseguard.recording.calls import LlmCall
from pulseguard.recording.tally import OPEN_TALLY, Tally
from pulseguard.recording.usage import Usage

if TYPE_CHECKING:
    from pulseguard.agent import Agent

# More than any agent has open at once; spans that nobody ends must not pile up without end.
MOST_OPEN: Final = 10_000


class OpenSpan:
    """What is known of one open span.

    `around` is the nearest inference span that it is inside of, not beyond a tool or an agent;
    `invocation` the nearest span of an agent's invocation. `open_call` is the call that was open,
    in the code, where it began, and `told` what that had been told of its usage by then; `handled`
    the id of the exception that was in flight there.
    """

    __slots__ = (
        "_announced_at",
        "_inference_calls",
        "_outer_tally",
        "_over",
        "_settle",
        "_tool_calls",
        "agent",
        "announced",
        "around",
        "claimed",
        "handled",
        "invocation",
        "kind",
        "open_call",
        "told",
    )

    def __init__(
        self, kind: Kind | None, outer: "OpenSpan | None" = None, open_call: LlmCall | None = None
    ) -> None:
        self.kind = kind
        self.around = None if outer is None else outer.inside()
        self.invocation = None if outer is None else outer.within()
        self.open_call = open_call
        self.told: Usage | None = None if open_call is None else open_call._found_usage
        self.handled = 0
        self.agent: Agent | None = None
        # Counted as in progress by `agent`.
        self.announced = False
        self._announced_at = 0.0
        self._outer_tally: Tally | None = None
        # Counted by somebody else, who knows more of it.
        self.claimed = False
        # Counters that need no lock: spans end in finalizers too.
        self._inference_calls = count()
        self._tool_calls = count()
        self._settle: Callable[[ErrorType | None], None] | None = None
        self._over = False

    def inside(self) -> "OpenSpan | None":
        """The inference span that code within this span is inside of."""
        if self.kind in INFERENCE:
            return self
        return self.around if self.kind is None else None

    def within(self) -> "OpenSpan | None":
        """The agent's invocation that code within this span is part of."""
        return self if self.kind == "agent" else self.invocation

    def called_model(self) -> None:
        """A model call within this invocation: it goes on, so an earlier one was given up."""
        next(self._inference_calls)
        self.settle(None)

    def used_tool(self) -> None:
        """A tool used within this invocation."""
        next(self._tool_calls)

    def hold(self, settle: Callable[[ErrorType | None], None]) -> bool:
        """A call within this invocation was cancelled: if by its own failure, the end will tell.

        `settle` is told that then; False where the invocation is over already.
        """
        if self._over:
            return False
        self._settle = settle
        return True

    def settle(self, failure: ErrorType | None) -> None:
        """The cancelled call, if there is one, has had this failure; None: it was given up."""
        settle, self._settle = self._settle, None
        if settle is not None:
            settle(failure)

    def tally(self) -> Tally:
        """What this invocation has called; to be asked once, in the end."""
        tally = Tally()
        tally.inference_calls = next(self._inference_calls)
        tally.tool_calls = next(self._tool_calls)
        return tally

    def announce(self, agent: "Agent") -> None:
        """It is in progress, for this agent."""
        recorder = agent._recorder
        if self.kind in INFERENCE:
            self._outer_tally = OPEN_TALLY.get()
            recorder.calls.call_began()
        elif self.kind == "tool":
            recorder.work.tool_began()
        else:
            recorder.orchestration.began()
        self.agent, self.announced, self._announced_at = agent, True, time.perf_counter()

    def claim(self, kind: Kind) -> None:
        """A call of this kind, here or inside of here, is counted by somebody else."""
        claimed: OpenSpan | None = self
        while claimed is not None and claimed.kind != kind:
            claimed = claimed.around
        if claimed is not None and not claimed.claimed:
            claimed.claimed = True
            claimed.take_back()

    def take_back(self) -> None:
        """What `announce` said holds no longer: somebody else counts it, or nobody can."""
        if self.agent is None or not self.announced:
            return
        self.announced = False
        recorder = self.agent._recorder
        if self._announced_at < recorder.since:
            return  # a forked child has it from its parent
        if self.kind in INFERENCE:
            recorder.calls.call_withdrawn(self._outer_tally)
        else:
            with recorder.series.lock:
                recorder.activity.ended(well=False)

    def let_go(self) -> None:
        """It has ended: spans that began within it must not keep what is around it alive."""
        self.around = None
        self.invocation = None
        self._over = True
        self.settle(None)


class OpenSpans:
    """The open spans of one provider by their id, at most so many.

    `forgotten` is told of each that has no room.
    """

    def __init__(self, forgotten: Callable[[OpenSpan], None], most: int = MOST_OPEN) -> None:
        self._forgotten = forgotten
        self._most = most
        # No lock: each step is one operation of a dict. Ordered: its oldest is at hand.
        self._spans: OrderedDict[int, OpenSpan | None] = OrderedDict()

    def add(self, span_id: int, opened: OpenSpan | None) -> None:
        """Remember it, and what is known of it; the oldest goes where there are too many."""
        self._spans[span_id] = opened
        if len(self._spans) > self._most:
            self._forget_oldest()

    def has(self, span_id: int) -> bool:
        """Whether it is open, and nobody else's."""
        return span_id in self._spans

    def find(self, span_id: int) -> OpenSpan | None:
        """What is known of it."""
        return self._spans.get(span_id)

    def remove(self, span_id: int) -> OpenSpan | None:
        """What was known of it."""
        return self._spans.pop(span_id, None)

    def clear(self) -> None:
        """Forget them all."""
        while self._spans:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        try:
            _, oldest = self._spans.popitem(last=False)
        except KeyError:  # another thread was quicker
            return
        if oldest is not None:
            self._forgotten(oldest)
            oldest.let_go()
