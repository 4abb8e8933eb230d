"""A model call that a span has measured."""

from pulseguard.catalog import ErrorType
from pulseguard.guard import Guard
from pulseguard.otel.conventions import Attributes, model_of, operation_of, provider_of
from pulseguard.otel.failures import GivenUp
from pulseguard.recording.calls import LlmCall
from pulseguard.recording.recorder import Recorder
from pulseguard.recording.usage import Usage


class SpanCall(LlmCall):
    """A call whose times and outcome are known already; counted by `count` alone."""

    def __init__(self, recorder: Recorder, guard: Guard, attributes: Attributes) -> None:
        super().__init__(
            recorder, guard, operation_of(attributes), provider_of(attributes), model_of(attributes)
        )
        # The clock of this call begins with it.
        self._started = 0.0

    def given_up(self, how: GivenUp) -> None:
        """The caller did not wait for its end; a stream that he closed is an answer."""
        self.unfinished()
        self.answered = how == "closed"

    def count(
        self,
        seconds: float,
        first_chunk_seconds: float | None,
        usage: Usage | None,
        announced: bool,
        failure: ErrorType | None,
    ) -> None:
        """Count it; `announced` says whether it is in progress already."""
        self._first_chunk = first_chunk_seconds
        self._usage = usage
        self._error = failure
        self._ended = True
        if not announced:
            self._recorder.calls.call_began()
        self._end(seconds, None)
