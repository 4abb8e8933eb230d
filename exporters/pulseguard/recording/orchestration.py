"""Pieces of work larger than one call: logical agents, workflows, requests to MCP servers."""

from types import TracebackType
from typing import Self

from pulseguard.guard import Guard
from pulseguard.recording.block import Block
from pulseguard.recording.error_types import is_cancellation
from pulseguard.recording.orchestration_recorder import CallOutcome
from pulseguard.recording.recorder import Recorder
from pulseguard.recording.tally import OPEN_TALLY, Tally


class Invocation(Block):
    """One invocation of a logical agent: `with agent.invoke("planner"):`.

    Model calls and tools inside it are counted as its own, except those inside an invocation of
    another agent within.
    """

    _outer: Tally | None = None

    def __init__(self, recorder: Recorder, guard: Guard, name: object) -> None:
        super().__init__(recorder, guard)
        self._name = guard.text(name)
        self._tally = Tally()

    def __enter__(self) -> Self:
        self._outer = OPEN_TALLY.get()
        # A new one, because as a decorator this block is a copy.
        self._tally = Tally()
        OPEN_TALLY.set(self._tally)
        return super().__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        OPEN_TALLY.set(self._outer)
        super().__exit__(kind, error, traceback)

    def _begin(self) -> None:
        self._recorder.orchestration.began()

    def _end(self, seconds: float, error: BaseException | None) -> None:
        self._recorder.orchestration.invocation_ended(self._name, seconds, self._error, self._tally)


class Workflow(Block):
    """One run of a workflow: `with agent.workflow("refund"):`."""

    def __init__(self, recorder: Recorder, guard: Guard, name: object) -> None:
        super().__init__(recorder, guard)
        self._name = guard.text(name)

    def _begin(self) -> None:
        self._recorder.orchestration.began()

    def _end(self, seconds: float, error: BaseException | None) -> None:
        self._recorder.orchestration.workflow_ended(self._name, seconds, self._error)


class McpCall(Block):
    """One request to an MCP server: `with agent.mcp_call("files.example.com", tool="read"):`."""

    def __init__(
        self, recorder: Recorder, guard: Guard, server: object, method: object, tool: object
    ) -> None:
        super().__init__(recorder, guard)
        self._server = guard.text(server)
        self._method = guard.text(method)
        self._tool = guard.text(tool)

    def _begin(self) -> None:
        self._recorder.orchestration.began()

    def _end(self, seconds: float, error: BaseException | None) -> None:
        outcome: CallOutcome = "completed" if self._error is None else "failed"
        if error is not None and is_cancellation(error):
            outcome = "cancelled"
        self._recorder.orchestration.mcp_call_ended(
            self._server, self._method, self._tool, seconds, self._error, outcome
        )


class McpSession(Block):
    """One session with an MCP server: `with agent.mcp_session("files.example.com"):`.

    An open session is no work: the agent is idle unless something else is in progress.
    """

    def __init__(self, recorder: Recorder, guard: Guard, server: object) -> None:
        super().__init__(recorder, guard)
        self._server = guard.text(server)

    def _begin(self) -> None:
        pass

    def _end(self, seconds: float, error: BaseException | None) -> None:
        self._recorder.orchestration.mcp_session_ended(self._server, seconds, self._error)
