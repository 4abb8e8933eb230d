"""What an agent has to say at one moment: of one process, or of all its processes together."""

from collections.abc import Callable
from typing import NamedTuple

from pulseguard.catalog import LAST_ACTIVITY, AgentState, Detail, Metric
from pulseguard.recording.recorder import Recorder
from pulseguard.recording.series import Readings


class Part(NamedTuple):
    """The numbers of one process or of several; `changes` are those of `Series` in this one.

    `at` is when something last began or ended (Unix time, 0: never): of two latest values the one
    of the later part is shown.
    """

    readings: Readings
    state: AgentState = "idle"
    context_tokens: int | None = None
    changes: int = 0
    at: float = 0.0


class Whole:
    """Reads the agent: this process, until `gather` is set to something that adds the others."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.gather: Callable[[], Part] | None = None
        self.foreign_metrics: tuple[Metric, ...] = ()

    @property
    def detail(self) -> Detail:
        return self._recorder.series.detail

    @property
    def own_metrics(self) -> tuple[Metric, ...]:
        """What this process may have recorded."""
        return self._recorder.series.metrics

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Whatever may be on the page, in its order."""
        return self.own_metrics + self.foreign_metrics

    def read(self) -> Part:
        """Everything."""
        return self.read_own() if self.gather is None else self.gather()

    def read_own(self) -> Part:
        """This process alone."""
        changes, readings = self._recorder.read()
        activity = readings.get(LAST_ACTIVITY.name)
        return Part(
            readings,
            self._recorder.activity.state(),
            self._recorder.calls.last_context_tokens,
            changes,
            float(activity[0][1]) if activity else 0.0,  # type: ignore[arg-type]  # a gauge
        )

    def samples(self, readings: Readings) -> int:
        """How many series these are on the page."""
        return sum(
            len(readings.get(metric.name, ())) * metric.samples(self.detail)
            for metric in self.metrics
        )
