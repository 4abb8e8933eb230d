"""GenAI spans, whoever emits them, as the metrics of an agent: the span processors."""

from typing import TYPE_CHECKING, Final

from pulseguard.guard import checked_strict
from pulseguard.instrumentation import checked_agent
from pulseguard.instrumentation.measured import Meter
from pulseguard.otel.span_meter import SpanMeter

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import ReadableSpan, Span

    from pulseguard.agent import Agent

# The processors that somebody has added by himself.
_BY_HAND: Final[set["PulseGuardSpanProcessor"]] = set()


class PulseGuardSpanProcessor(SpanMeter):
    """Turns GenAI spans into PulseGuard's metrics: model calls, tools, agents, evaluations.

        provider = TracerProvider()
        provider.add_span_processor(PulseGuardSpanProcessor())

    Spans by `gen_ai.operation.name`: chat, text_completion, generate_content and embeddings are
    model calls, execute_tool a tool, invoke_agent an invocation of a logical agent,
    invoke_workflow a workflow; events `gen_ai.evaluation.result` are evaluations where their score
    is from 0 to 1. Any other operation is ignored. Read are names, times, token counts and the
    types of errors; no argument, id or attribute of anybody's own, and no message, but that of a
    failure whose name does not tell its type: for the type, which alone is kept.

    A model call that is cancelled within an agent's invocation is counted when that ends or calls
    a model again: Pydantic AI cancels the span of a stream that fails, and tells why only there.
    It was given up, and has not failed, unless an error of the model's client ends the invocation.

    They belong to `agent`, else to the one whose task is open where the span begins (where it
    ends, if only then it is known what it is about), else to the one started last. What a sampler
    drops is never seen here: sample where spans are exported.

    A call that is seen more than once is counted once, by whoever is nearest to the model:

    * A call by hand (`agent.llm_call()`) or of an instrumented client that begins inside an
      inference span counts, and the span does not. Several such calls inside one span, as when a
      framework tries again, are several. A span counts as around them while it is the current
      one, an ancestor of it, or the one that was started last in this context.
    * An inference span inside another of its sort counts in the place of the outer one.
    * An inference span that begins while such a call is open around it is that call: it does not
      count, and hands it the usage it knows where nobody else has.

    Tools and agents end what they are inside of: a model call of a tool is a call of its own.
    """

    def __init__(self, agent: "Agent | None" = None, *, strict: bool = False) -> None:
        meter = Meter("opentelemetry")
        meter.guard.strict = checked_strict(strict, meter.journal)
        meter.agent = meter.guard.attempt("add a span processor", None, checked_agent, agent)
        super().__init__(meter)
        _BY_HAND.add(self)

    def shutdown(self) -> None:
        """Let go of the spans that are open, and count no more calls as theirs."""
        super().shutdown()
        _BY_HAND.discard(self)


class AddedSpanProcessor(SpanMeter):
    """What `pulseguard.instrument("opentelemetry")` adds to every provider.

    It counts nothing while there is one that was added by hand: that one counts already.
    """

    def on_start(self, span: "Span", parent_context: "Context | None" = None) -> None:
        if self._meter.active and not _BY_HAND:
            super().on_start(span, parent_context)

    def on_end(self, span: "ReadableSpan") -> None:
        # What began while it counted is ended, whatever has become of it since.
        context = span.get_span_context()
        known = context is not None and self._open.find(context.span_id) is not None
        if known or (self._meter.active and not _BY_HAND):
            super().on_end(span)
