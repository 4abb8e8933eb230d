"""Spans as they begin and end: which of them are counted, for whom, and which are not again."""

import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final
from weakref import ref

from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import get_current_span

from pulseguard.current import current_agent
from pulseguard.instrumentation.measured import Meter
from pulseguard.otel.conventions import (
    INFERENCE,
    Kind,
    evaluations_in,
    kind_of,
    kind_of_operation,
)
from pulseguard.otel.ended_span import EndedSpan, record_evaluation
from pulseguard.otel.open_spans import OpenSpan, OpenSpans
from pulseguard.recording.calls import OPEN_CALL
from pulseguard.recording.traces import CALL_LISTENERS

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span
    from opentelemetry.trace import Span as AnySpan

# The span that was started last in this context, whether it was made the current one or not.
_LATEST: Final[ContextVar["ref[Span] | None"]] = ContextVar("pulseguard_latest_span", default=None)


class SpanMeter(SpanProcessor):
    """Counts the spans of a tracer provider, as its meter is told to."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._guard = meter.guard
        self._open = OpenSpans(OpenSpan.take_back)
        CALL_LISTENERS.append(self._call_began)

    def on_start(self, span: "Span", parent_context: "Context | None" = None) -> None:
        self._guard.attempt("begin a span", None, self._begin, span, parent_context)

    def on_end(self, span: "ReadableSpan") -> None:
        self._guard.attempt("record a span", None, self._end, span)

    def shutdown(self) -> None:
        """Let go of the spans that are open, and listen no longer."""
        if self._call_began in CALL_LISTENERS:
            CALL_LISTENERS.remove(self._call_began)
        self._guard.attempt("shut down", None, self._open.clear)
        self._meter.journal.flush()

    def _begin(self, span: "Span", parent_context: "Context | None") -> None:
        _LATEST.set(ref(span))
        outer = self._outer(span, parent_context)
        open_call = OPEN_CALL.get()
        if open_call is not None and open_call.ended:
            open_call = None
        kind = kind_of(span.attributes)
        matters = kind is not None or outer is not None or open_call is not None
        opened = OpenSpan(kind, outer, open_call) if matters else None
        if opened is not None and (handled := sys.exception()) is not None:
            opened.handled = id(handled)  # not the exception: it would live as long as the span
        self._open.add(span.get_span_context().span_id, opened)
        if opened is not None and kind is not None:
            self._announce(opened, kind)

    def _announce(self, opened: OpenSpan, kind: Kind) -> None:
        if kind in INFERENCE:
            if opened.around is not None:
                opened.around.claim(kind)
            if opened.open_call is not None:
                return
        agent = self._meter.agent or current_agent()
        if agent is not None:
            opened.announce(agent)

    def _end(self, span: "ReadableSpan") -> None:
        context = span.get_span_context()
        opened = None if context is None else self._open.remove(context.span_id)
        kind = kind_of(span.attributes) if opened is None or opened.kind is None else opened.kind
        events = span.events
        if kind is None and not events:
            return
        agent = (opened and opened.agent) or self._meter.agent or current_agent()
        if agent is None:
            message = "a span is not recorded: no agent has been started; call agent.start()"
            self._meter.journal.write("no agent", message)
            return
        for name, score in evaluations_in(events):
            record_evaluation(agent._recorder, self._guard, name, score)
        if kind is not None:
            known = self._known_now(opened or OpenSpan(kind), kind)
            EndedSpan(span, known, agent._recorder, self._guard).record(kind)
            known.let_go()

    def _outer(self, span: "Span", parent_context: "Context | None") -> OpenSpan | None:
        """What is known of the parent, where it is a span of this process."""
        parent = span.parent
        if parent is None or parent.is_remote:
            return None
        found = self._open.find(parent.span_id)
        if found is not None and found.kind is not None:
            return found
        return self._known(get_current_span(parent_context))

    def _known(self, span: "AnySpan") -> OpenSpan | None:
        """What is known of an open span: some are told their operation after they have begun."""
        span_id = span.get_span_context().span_id
        found = self._open.find(span_id)
        if found is not None and found.kind is not None:
            return found
        kind = kind_of(getattr(span, "attributes", None))
        if kind is None or not self._open.has(span_id):
            return found
        if found is None:
            found = OpenSpan(kind)
            self._open.add(span_id, found)
        return self._known_now(found, kind)

    def _known_now(self, opened: OpenSpan, kind: Kind) -> OpenSpan:
        if opened.kind is None:
            opened.kind = kind
            if kind in INFERENCE and opened.around is not None:
                opened.around.claim(kind)
        return opened

    def _call_began(self, operation: str) -> None:
        kind = kind_of_operation(operation)
        self._guard.attempt("see a call in a span", None, self._claim, kind)

    def _claim(self, kind: Kind) -> None:
        """A call that is counted by itself begins here."""
        here = self._here()
        if here is None:
            return
        invocation, around = here.within(), here.inside()
        if invocation is not None:
            invocation.called_model()
        if around is not None:
            around.claim(kind)

    def _here(self) -> OpenSpan | None:
        """The innermost span around this code that anything is known of."""
        current = get_current_span()
        reference = _LATEST.get()
        latest = None if reference is None else reference()
        if latest is not None and latest is not current and latest.is_recording():
            # Begun here and not made the current one: some emitters of spans never do.
            parent_id = 0 if latest.parent is None else latest.parent.span_id
            if parent_id == current.get_span_context().span_id:
                return self._known(latest) or self._known(current)
        return self._known(current)
