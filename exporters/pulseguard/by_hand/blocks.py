"""The blocks that stand around the agent's code and measure it."""

from typing import TYPE_CHECKING, cast

from pulseguard.catalog import OTHER, ToolType, WaitingReason
from pulseguard.guard import Guard, made
from pulseguard.recording.calls import OPEN_CALL, ApiCall, LlmCall, still_open
from pulseguard.recording.recorder import Recorder
from pulseguard.recording.work import Task, Tool

if TYPE_CHECKING:
    from pulseguard.agent import Agent
    from pulseguard.recording.orchestration import Invocation, McpCall, McpSession, Workflow
    from pulseguard.recording.waiting import Wait


class Blocks:
    """Each block is used with `with`, with `async with`, or as a decorator.

        with agent.tool("search"):
            ...

        @agent.tool("search")
        async def search(query: str) -> list[str]: ...

    As a decorator it makes a new block for each call; around a generator it lasts from the first
    item that is asked for until that ends or is closed.
    Whatever happens inside passes through untouched; being cancelled is no failure.
    """

    _recorder: Recorder
    _guard: Guard

    @made("make a task")
    def task(self) -> Task:
        """A piece of work, measured as a whole: `with agent.task():`."""
        return Task(self._recorder, self._guard, cast("Agent", self))

    @made("make a model call")
    def llm_call(self, provider: str = "", model: str = "", operation: str = "chat") -> LlmCall:
        """A model call: `with agent.llm_call(provider="openai", model="gpt-4o") as call:`."""
        return LlmCall(self._recorder, self._guard, operation, provider, model)

    @made("make a tool", OTHER)
    def tool(self, name: str, type: ToolType = "function") -> Tool:
        """A tool being used: `with agent.tool("search"):`."""
        return Tool(self._recorder, self._guard, name, type)

    @made("make an outbound call", OTHER)
    def api_call(self, host: str, method: str = "GET") -> ApiCall:
        """An outbound HTTP call that is no model call: `with agent.api_call(host):`."""
        return ApiCall(self._recorder, self._guard, host, method)

    @made("make an invocation", OTHER)
    def invoke(self, name: str) -> "Invocation":
        """A logical agent at work within this process: `with agent.invoke("planner"):`.

        Its duration, and how many model calls and tools it took.
        """
        # Here, as below: few agents have it, and all pay for an import.
        from pulseguard.recording.orchestration import Invocation

        return Invocation(self._recorder, self._guard, name)

    @made("make a workflow", OTHER)
    def workflow(self, name: str) -> "Workflow":
        """A run of a workflow, measured as a whole: `with agent.workflow("refund"):`."""
        from pulseguard.recording.orchestration import Workflow

        return Workflow(self._recorder, self._guard, name)

    @made("make an MCP call", OTHER)
    def mcp_call(self, server: str, method: str = "tools/call", tool: str = "") -> "McpCall":
        """A request to an MCP server: `with agent.mcp_call("files.example.com", tool="read"):`.

        It measures the protocol. What the tool means to the agent is `agent.tool`, around it.
        """
        from pulseguard.recording.orchestration import McpCall

        return McpCall(self._recorder, self._guard, server, method, tool)

    @made("make an MCP session", OTHER)
    def mcp_session(self, server: str) -> "McpSession":
        """A session with an MCP server, from its opening to its end."""
        from pulseguard.recording.orchestration import McpSession

        return McpSession(self._recorder, self._guard, server)

    @made("make a time of waiting")
    def waiting(self, reason: WaitingReason = "_OTHER") -> "Wait":
        """The agent can only wait for somebody else: `with agent.waiting("human"):`.

        Inside it the state is `waiting`: neither stuck nor progress. Where several tasks are in
        progress, only once all of them wait. Reasons: human, rate_limit, service.
        """
        from pulseguard.recording.waiting import Wait

        return Wait(self._recorder, self._guard, reason)

    def this_call(self) -> LlmCall:
        """The model call around this code, for functions that it decorates.

        Outside of any it is one that is never counted, so that nothing has to be asked first.
        """
        call = still_open(OPEN_CALL.get())
        return call or LlmCall(self._recorder, self._guard, "chat", "", "")
