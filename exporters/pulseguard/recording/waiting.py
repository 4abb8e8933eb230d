"""Time in which the agent can do nothing but wait for somebody else."""

from pulseguard.catalog import WAITING_REASONS
from pulseguard.guard import Guard
from pulseguard.recording.block import Block
from pulseguard.recording.recorder import Recorder
from pulseguard.recording.values import bounded


class Wait(Block):
    """A time of waiting: `with agent.waiting("human"):`."""

    def __init__(self, recorder: Recorder, guard: Guard, reason: object) -> None:
        super().__init__(recorder, guard)
        self._reason = bounded(reason, WAITING_REASONS)

    def _begin(self) -> None:
        self._recorder.oversight.wait_began()

    def _end(self, seconds: float, error: BaseException | None) -> None:
        self._recorder.oversight.wait_ended(self._reason, seconds)
