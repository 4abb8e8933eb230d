"""A span that has ended, recorded as what it is about."""

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, ParamSpec

from pulseguard.catalog import OTHER, TOOL_TYPES, ErrorType
from pulseguard.guard import Guard
from pulseguard.otel.conventions import (
    Kind,
    agent_of,
    at_hand,
    first_chunk_of,
    tool_of,
    usage_of,
    workflow_of,
)
from pulseguard.otel.failures import ending_of, tell_client_failure
from pulseguard.otel.open_spans import OpenSpan
from pulseguard.otel.span_call import SpanCall
from pulseguard.recording.recorder import Recorder
from pulseguard.recording.usage import Usage

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

P = ParamSpec("P")


class EndedSpan:
    """Everything that is read of a span, read while it ends.

    It is recorded at once, or as soon as nothing else is: spans end in finalizers too, and the
    garbage collector runs those anywhere.
    """

    def __init__(
        self, span: "ReadableSpan", opened: OpenSpan, recorder: Recorder, guard: Guard
    ) -> None:
        self._span = span
        self._attributes = at_hand(span.attributes)
        self._opened = opened
        self._recorder = recorder
        self._guard = guard
        self._seconds = max((span.end_time or 0) - (span.start_time or 0), 0) / 1e9
        self._began = time.perf_counter() - self._seconds
        self._ending = ending_of(span, self._attributes, opened.handled)

    def record(self, kind: Kind) -> None:
        """Count it, but a model call that somebody else counts."""
        if self._is_the_parents():
            return
        match kind:
            case "tool":
                self._record_tool()
            case "agent":
                self._record_invocation()
            case "workflow":
                self._record_workflow()
            case _ if not self._opened.claimed:
                self._record_call()

    def _record_call(self) -> None:
        usage = usage_of(self._attributes, self._span.events)
        open_call = self._opened.open_call
        if open_call is not None:
            if usage is not None and open_call._found_usage is self._opened.told:
                open_call.found_usage(usage)
            return
        call = SpanCall(self._recorder, self._guard, self._attributes)
        context = self._span.get_span_context()
        if context is not None and context.trace_flags.sampled:
            call.trace_id = f"{context.trace_id:032x}"
        first_chunk = first_chunk_of(
            self._attributes, self._span.events, self._span.start_time or 0, self._seconds
        )
        if self._ending.given_up is not None:
            call.given_up(self._ending.given_up)
        announced = self._opened.announced
        count = partial(self._count, call, self._seconds, first_chunk, usage, announced)
        invocation = self._opened.invocation
        if invocation is not None:
            invocation.called_model()
        if not (self._ending.untold and invocation is not None and invocation.hold(count)):
            count(self._ending.failure)
        if self._ending.failure is not None:
            tell_client_failure()  # no call around this one has failed for it

    def _count(
        self,
        call: SpanCall,
        seconds: float,
        first_chunk: float | None,
        usage: Usage | None,
        announced: bool,
        failure: ErrorType | None,
    ) -> None:
        if not self._is_the_parents():
            self._put_off(call.count, seconds, first_chunk, usage, announced, failure)

    def _is_the_parents(self) -> bool:
        """Whether this is a forked child, which has it from its parent, where it ends as well."""
        return self._began < self._recorder.since

    def _record_tool(self) -> None:
        name, stated = tool_of(self._attributes)
        kind = stated if stated in TOOL_TYPES else OTHER
        work = self._recorder.work
        if not self._opened.announced:
            self._put_off(work.tool_began)
        self._put_off(work.tool_ended, name, kind, self._seconds, self._ending.failure)
        if self._opened.invocation is not None:
            self._opened.invocation.used_tool()

    def _record_invocation(self) -> None:
        name, tally = agent_of(self._attributes), self._opened.tally()
        self._opened.settle(tell_client_failure())
        self._begin_late()
        ended = self._recorder.orchestration.invocation_ended
        self._put_off(ended, name, self._seconds, self._ending.failure, tally)

    def _record_workflow(self) -> None:
        self._begin_late()
        ended = self._recorder.orchestration.workflow_ended
        self._put_off(ended, workflow_of(self._attributes), self._seconds, self._ending.failure)

    def _begin_late(self) -> None:
        if not self._opened.announced:
            self._put_off(self._recorder.orchestration.began)

    def _put_off(self, recording: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        put_off(self._recorder, self._guard, recording, *args, **kwargs)


def record_evaluation(recorder: Recorder, guard: Guard, name: str, score: float) -> None:
    """Count a score from 0 to 1."""
    put_off(recorder, guard, recorder.work.evaluated, name, score)


def put_off(
    recorder: Recorder,
    guard: Guard,
    recording: Callable[P, None],
    *args: P.args,
    **kwargs: P.kwargs,
) -> None:
    """Do a recording under the guard, now or once nothing else is being recorded."""
    guarded = partial(guard.attempt, "record a span", None, recording, *args, **kwargs)
    recorder.series.put_off(guarded)
