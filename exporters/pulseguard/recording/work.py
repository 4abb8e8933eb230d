"""Work inside the agent: its tasks, and the tools it uses."""

from types import TracebackType
from typing import TYPE_CHECKING, Self

from pulseguard.catalog import OTHER, TOOL_TYPES, TaskOutcome
from pulseguard.current import WORKING_AGENT
from pulseguard.guard import Guard, guarded
from pulseguard.recording.block import Block, bounded_error
from pulseguard.recording.error_types import is_cancellation
from pulseguard.recording.recorder import Recorder
from pulseguard.recording.values import bounded

if TYPE_CHECKING:
    from pulseguard.agent import Agent


class Task(Block):
    """One piece of the agent's work: `with agent.task() as task:`.

    Completed when the block ends; `timeout` when a TimeoutError leaves it (the task's own time
    ran out), `cancelled` when the caller gave up (task cancelled, interrupt), `failed` on any
    other exception.
    """

    def __init__(self, recorder: Recorder, guard: Guard, agent: "Agent") -> None:
        super().__init__(recorder, guard)
        self._agent = agent
        self._outer: Agent | None = None
        self._outcome: TaskOutcome = "completed"

    def __enter__(self) -> Self:
        self._outer = WORKING_AGENT.get()
        WORKING_AGENT.set(self._agent)
        return super().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        WORKING_AGENT.set(self._outer)
        super().__exit__(kind, error, traceback)

    @guarded("record a failed task")
    def fail(self, error_type: str = "_OTHER") -> None:
        """The task failed, and the agent handled that itself."""
        self._check_open()
        self._outcome, self._error = "failed", bounded_error(error_type)

    @guarded("record a cancelled task")
    def cancel(self) -> None:
        """The task was given up: neither completed nor failed."""
        self._check_open()
        self._outcome, self._error = "cancelled", None

    def _begin(self) -> None:
        self._recorder.work.task_began()

    def _end(self, seconds: float, error: BaseException | None) -> None:
        if error is not None:
            self._outcome = _outcome(error)
        failed = self._outcome in ("failed", "timeout")
        self._recorder.work.task_ended(self._outcome, seconds, self._error if failed else None)


class Tool(Block):
    """One use of a tool: `with agent.tool("search"):`."""

    def __init__(self, recorder: Recorder, guard: Guard, name: object, kind: object) -> None:
        super().__init__(recorder, guard)
        self._name = guard.text(name)
        self._kind = bounded(kind, (*TOOL_TYPES, OTHER))

    def _begin(self) -> None:
        self._recorder.work.tool_began()

    def _end(self, seconds: float, error: BaseException | None) -> None:
        self._recorder.work.tool_ended(self._name, self._kind, seconds, self._error)


def _outcome(error: BaseException) -> TaskOutcome:
    if is_cancellation(error):
        return "cancelled"
    return "timeout" if isinstance(error, TimeoutError) else "failed"
