"""Larger agents as series: logical agents, workflows, MCP servers."""

from typing import Final, Literal

from pulseguard.catalog import (
    ERRORS,
    INVOKE_AGENT_DURATION,
    INVOKE_AGENT_INFERENCE_CALLS,
    INVOKE_AGENT_TOOL_CALLS,
    INVOKE_WORKFLOW_DURATION,
    MCP_OPERATION_DURATION,
    MCP_SESSION_DURATION,
    MCP_TOOL_CALLS,
    ErrorType,
)
from pulseguard.recording.activity import Activity
from pulseguard.recording.series import Series
from pulseguard.recording.tally import Tally

CallOutcome = Literal["completed", "failed", "cancelled"]

# The method whose calls are counted by tool.
CALL_TOOL: Final = "tools/call"


class OrchestrationRecorder:
    """Recordings of what is larger than one call. Safe from any thread."""

    def __init__(self, series: Series, activity: Activity) -> None:
        self._series = series
        self._activity = activity
        self._lock = series.lock

    def began(self) -> None:
        with self._lock:
            self._activity.began()

    def invocation_ended(
        self, name: str, seconds: float, error: ErrorType | None, tally: Tally
    ) -> None:
        with self._lock:
            self._activity.ended(well=error is None)
            series = self._series
            series.histogram(INVOKE_AGENT_DURATION, name, error or "").observe(seconds)
            series.histogram(INVOKE_AGENT_INFERENCE_CALLS, name).observe(tally.inference_calls)
            series.histogram(INVOKE_AGENT_TOOL_CALLS, name).observe(tally.tool_calls)

    def workflow_ended(self, name: str, seconds: float, error: ErrorType | None) -> None:
        with self._lock:
            self._activity.ended(well=error is None)
            self._series.histogram(INVOKE_WORKFLOW_DURATION, name, error or "").observe(seconds)

    def mcp_call_ended(
        self,
        server: str,
        method: str,
        tool: str,
        seconds: float,
        error: ErrorType | None,
        outcome: CallOutcome,
    ) -> None:
        with self._lock:
            self._activity.ended(well=outcome == "completed")
            self._count_mcp_error(error)
            durations = self._series.histogram(MCP_OPERATION_DURATION, method, server, error or "")
            durations.observe(seconds)
            if method == CALL_TOOL:
                self._series.number(MCP_TOOL_CALLS, server, tool, outcome).value += 1

    def mcp_session_ended(self, server: str, seconds: float, error: ErrorType | None) -> None:
        with self._lock:
            self._series.changes += 1
            self._count_mcp_error(error)
            self._series.histogram(MCP_SESSION_DURATION, server, error or "").observe(seconds)

    def _count_mcp_error(self, error: ErrorType | None) -> None:
        if error is not None:
            self._series.number(ERRORS, error, "mcp").value += 1
