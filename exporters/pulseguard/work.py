"""Work inside the agent: its tasks, and the tools it uses."""

from pulseguard.block import Block, bounded_error
from pulseguard.catalog import OTHER, TOOL_TYPES, TaskOutcome
from pulseguard.error_types import is_cancellation
from pulseguard.guard import Guard, guarded
from pulseguard.recorder import Recorder


class Task(Block):
    """One piece of the agent's work: `with agent.task() as task:`.

    Completed when the block ends; `timeout` when a TimeoutError leaves it (the task's own time
    ran out), `cancelled` when the caller gave up (task cancelled, interrupt), `failed` on any
    other exception.
    """

    __slots__ = ("_outcome",)

    def __init__(self, recorder: Recorder, guard: Guard) -> None:
        super().__init__(recorder, guard)
        self._outcome: TaskOutcome = "completed"

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
        self._recorder.task_began()

    def _end(self, seconds: float, error: BaseException | None) -> None:
        if error is not None:
            self._outcome = _outcome(error)
        failed = self._outcome in ("failed", "timeout")
        self._recorder.task_ended(self._outcome, seconds, self._error if failed else None)


class Tool(Block):
    """One use of a tool: `with agent.tool("search"):`."""

    __slots__ = ("_kind", "_name")

    def __init__(self, recorder: Recorder, guard: Guard, name: object, kind: object) -> None:
        super().__init__(recorder, guard)
        self._name = guard.text(name)
        self._kind = next((known for known in TOOL_TYPES if known == kind), OTHER)

    def _begin(self) -> None:
        self._recorder.work_began()

    def _end(self, seconds: float, error: BaseException | None) -> None:
        self._recorder.tool_ended(self._name, self._kind, seconds, self._error)


def _outcome(error: BaseException) -> TaskOutcome:
    if is_cancellation(error):
        return "cancelled"
    return "timeout" if isinstance(error, TimeoutError) else "failed"
