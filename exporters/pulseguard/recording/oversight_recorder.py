"""What holds the agent back as series: guardrails, humans, loops, waiting, its own failure."""

from pulseguard.catalog import (
    CONTEXT_COMPACTIONS,
    ERRORS,
    GUARDRAIL_TRIGGERS,
    HUMAN_INTERVENTIONS,
    INTERVENTION_KINDS,
    LOOP_SIGNALS,
    LOOP_SUSPICIONS,
    OTHER,
    WAITING_SECONDS,
    ErrorType,
    GuardrailAction,
    InterventionKind,
    LoopSignal,
    WaitingReason,
)
from pulseguard.recording.activity import Activity
from pulseguard.recording.series import Series


class OversightRecorder:
    """Recordings of what others do to the agent. Safe from any thread."""

    def __init__(self, series: Series, activity: Activity) -> None:
        self._series = series
        self._activity = activity
        with series.lock:
            series.number(CONTEXT_COMPACTIONS)
            for kind in INTERVENTION_KINDS:
                if kind != OTHER:
                    series.number(HUMAN_INTERVENTIONS, kind)
            for signal in LOOP_SIGNALS:
                if signal != OTHER:
                    series.number(LOOP_SUSPICIONS, signal)

    def guardrail_triggered(self, guardrail: str, action: GuardrailAction) -> None:
        with self._series.lock:
            self._series.changes += 1
            self._series.number(GUARDRAIL_TRIGGERS, guardrail, action).value += 1

    def human_intervened(self, kind: InterventionKind) -> None:
        with self._series.lock:
            self._series.changes += 1
            self._series.number(HUMAN_INTERVENTIONS, kind).value += 1

    def loop_suspected(self, signal: LoopSignal) -> None:
        with self._series.lock:
            self._series.changes += 1
            self._series.number(LOOP_SUSPICIONS, signal).value += 1

    def context_compacted(self) -> None:
        with self._series.lock:
            self._series.changes += 1
            self._series.number(CONTEXT_COMPACTIONS).value += 1

    def wait_began(self) -> None:
        with self._series.lock:
            self._activity.wait_began()

    def wait_ended(self, reason: WaitingReason, seconds: float) -> None:
        with self._series.lock:
            self._activity.wait_ended()
            self._series.number(WAITING_SECONDS, reason).value += seconds

    def progressed(self) -> None:
        with self._series.lock:
            self._activity.progressed()

    def agent_failed(self, error: ErrorType) -> None:
        with self._series.lock:
            self._series.changes += 1
            self._series.number(ERRORS, error, "agent").value += 1
            self._activity.failed(True)
