"""What happens at one moment, and what the agent says of itself."""

from typing import cast

from pulseguard.catalog import (
    GUARDRAIL_ACTIONS,
    INTERVENTION_KINDS,
    LOOP_SIGNALS,
    GuardrailAction,
    InterventionKind,
    LoopSignal,
)
from pulseguard.guard import Guard, guarded
from pulseguard.recording.block import bounded_error
from pulseguard.recording.error_types import error_type
from pulseguard.recording.recorder import Recorder
from pulseguard.recording.task_queue import Ask, checked_pending
from pulseguard.recording.values import bounded, share


class Events:
    """Each is counted at once. A value that cannot be used is counted as a failure and dropped."""

    _recorder: Recorder
    _guard: Guard

    @guarded("record an evaluation")
    def evaluation(self, name: str, score: float) -> None:
        """A score from 0 to 1; "accuracy" and "confidence" are fields of the snapshot."""
        checked = share("score", score)
        self._recorder.work.evaluated(self._guard.text(name), checked)

    @guarded("record the task queue")
    def queue(self, *, pending: int | None, oldest_age_seconds: float | None = None) -> None:
        """How many tasks wait now, and for how long the oldest of them has; None is unknown.

        It holds until it is said again. Nothing said, nothing shown. What several processes of one
        agent tell is added up: a queue that they share is told by one of them.
        """
        self._recorder.queue.tell(checked_pending(pending, oldest_age_seconds))

    @guarded("watch the task queue")
    def watch_queue(self, read: Ask | None) -> None:
        """Ask this function whenever somebody wants to know: `agent.watch_queue(jobs.qsize)`.

        It returns the number of tasks that wait, or a pair: that number, and the age of the oldest
        in seconds. It runs in a thread of its own and is waited for a quarter of a second; one
        that is slower is known from its last answer, up to a minute old; one that fails leaves
        the queue unknown. Instead of what `queue` told; None ends it.
        """
        self._recorder.queue.watch(read, self._guard)

    @guarded("record a guardrail")
    def guardrail(self, name: str, action: GuardrailAction = "block") -> None:
        """A guardrail triggered: its name (never what it found), and what it did."""
        chosen = bounded(action, GUARDRAIL_ACTIONS)
        self._recorder.oversight.guardrail_triggered(self._guard.text(name), chosen)

    @guarded("record a human intervention")
    def human_intervention(self, kind: InterventionKind) -> None:
        """A human stepped in: gave an approval, made a correction, or did a takeover."""
        self._recorder.oversight.human_intervened(bounded(kind, INTERVENTION_KINDS))

    @guarded("record a loop suspicion")
    def loop_suspicion(self, signal: LoopSignal) -> None:
        """The agent seems to go round in circles; by which sign."""
        self._recorder.oversight.loop_suspected(bounded(signal, LOOP_SIGNALS))

    @guarded("record a compaction")
    def context_compacted(self) -> None:
        """The agent has shortened its context to make room."""
        self._recorder.oversight.context_compacted()

    @guarded("record progress")
    def progress(self) -> None:
        """The work goes on well, where no task, call or tool ends to show it."""
        self._recorder.oversight.progressed()

    @guarded("record the agent's failure")
    def failed(self, error: BaseException | str = "_OTHER") -> None:
        """The agent itself can do no work, until its next task or `recovered`.

        By the exception that says so, or one of the eight error types; counted by type.
        """
        known = bounded_error(error)
        if issubclass(type(error), BaseException):
            known = self._guard.attempt(
                "classify an error", known, error_type, cast(BaseException, error)
            )
        self._recorder.oversight.agent_failed(known)

    @guarded("record the agent's recovery")
    def recovered(self) -> None:
        """What `failed` told is over."""
        self._recorder.activity.failed(False)
