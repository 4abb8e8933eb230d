"""Several logical agents in one process, workflows, and what the agent asks of MCP servers."""

import asyncio

import pytest

from pulseguard.catalog import (
    AGENT_STATE,
    ERRORS,
    EVALUATION_SCORE,
    GUARDRAIL_TRIGGERS,
    INVOKE_AGENT_DURATION,
    INVOKE_AGENT_INFERENCE_CALLS,
    INVOKE_AGENT_TOOL_CALLS,
    INVOKE_WORKFLOW_DURATION,
    MCP_OPERATION_DURATION,
    MCP_SESSION_DURATION,
    MCP_TOOL_CALLS,
)
from tests.exporters.conftest import MakeAgent
from tests.exporters.observing import samples, scrape, total


def test_each_logical_agent_has_its_own_calls(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    with agent.llm_call():
        pass  # nobody's
    with agent.workflow("refund"), agent.invoke("planner"):
        with agent.llm_call():
            pass
        with agent.invoke("searcher"):
            for _ in range(3):
                with agent.tool("search"), agent.llm_call():
                    pass
        with agent.llm_call():
            pass

    text = scrape(agent)
    for name, calls, tools in (("planner", 2, 0), ("searcher", 3, 3)):
        label = {"gen_ai_agent_name": name}
        assert total(text, f"{INVOKE_AGENT_DURATION.name}_count", error_type="", **label) == 1
        assert total(text, f"{INVOKE_AGENT_INFERENCE_CALLS.name}_sum", **label) == calls
        assert total(text, f"{INVOKE_AGENT_TOOL_CALLS.name}_sum", **label) == tools
    workflows = f"{INVOKE_WORKFLOW_DURATION.name}_count"
    assert total(text, workflows, gen_ai_workflow_name="refund", error_type="") == 1


def test_calls_are_counted_where_tasks_fan_out_and_decorators_stand(
    make_agent: MakeAgent,
) -> None:
    agent = make_agent()
    agent.start()

    @agent.llm_call()
    async def ask() -> None:
        await asyncio.sleep(0)

    @agent.invoke("worker")
    async def work(times: int) -> None:
        await asyncio.gather(*(ask() for _ in range(times)))

    async def all_at_once() -> None:
        await asyncio.gather(work(2), work(5))

    asyncio.run(all_at_once())

    calls = INVOKE_AGENT_INFERENCE_CALLS.name
    assert total(scrape(agent), f"{calls}_sum") == 7
    assert total(scrape(agent), f"{calls}_count", gen_ai_agent_name="worker") == 2


def test_an_invocation_that_fails_is_counted_by_type(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    with pytest.raises(TimeoutError), agent.workflow("refund"), agent.invoke("planner"):
        raise TimeoutError

    text = scrape(agent)
    assert total(text, f"{INVOKE_AGENT_DURATION.name}_count", error_type="timeout") == 1
    assert total(text, f"{INVOKE_WORKFLOW_DURATION.name}_count", error_type="timeout") == 1


def test_requests_to_mcp_servers_are_counted_by_method_and_tools_by_outcome(
    make_agent: MakeAgent,
) -> None:
    agent = make_agent()
    agent.start()
    server = "files.example.com"

    with agent.mcp_session(server):
        with agent.mcp_call(server, "tools/list"):
            pass
        with agent.mcp_call(server, tool="read"):
            pass
        with agent.mcp_call(server, "tools/call", tool="read") as call:
            call.error("server_error")
        with pytest.raises(asyncio.CancelledError), agent.mcp_call(server, tool="read"):
            raise asyncio.CancelledError
        under_way = scrape(agent)

    text = scrape(agent)
    operations = f"{MCP_OPERATION_DURATION.name}_count"
    assert total(text, operations, server_address=server) == 4
    assert total(text, operations, mcp_method_name="tools/list", error_type="") == 1
    assert total(text, operations, mcp_method_name="tools/call", error_type="") == 2
    assert total(text, operations, error_type="server_error") == 1
    for outcome in ("completed", "failed", "cancelled"):
        assert total(text, MCP_TOOL_CALLS, gen_ai_tool_name="read", outcome=outcome) == 1
    assert total(text, MCP_TOOL_CALLS) == 3
    assert total(text, ERRORS, source="mcp", error_type="server_error") == 1
    assert total(under_way, AGENT_STATE, state="idle") == 1
    assert total(under_way, f"{MCP_SESSION_DURATION.name}_count") == 0
    assert total(text, f"{MCP_SESSION_DURATION.name}_count", server_address=server) == 1


def test_what_comes_when_everything_is_full_still_adds_up(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()
    for number in range(300):
        name = f"number {number}"
        with agent.tool(name), agent.api_call(name), agent.llm_call(name, name) as call:
            call.first_chunk()
            call.usage(input_tokens=3, output_tokens=2)
            call.context(window=10)
        agent.evaluation(name, 1)
        agent.counter("documents_total", labels=("kind",), max_label_sets=200).labels(
            kind=name
        ).inc()

    for number in range(300):
        name = f"number {number}"
        with (
            agent.invoke(name) as invocation,
            agent.workflow(name),
            agent.mcp_session(name),
            agent.mcp_call(name, tool=name),
        ):
            agent.guardrail(name)
            if number % 3 == 0:
                invocation.error("timeout")
        agent.evaluation(("accuracy", "confidence")[number % 2], 1)

    text = scrape(agent)
    for metric in (INVOKE_AGENT_INFERENCE_CALLS, INVOKE_AGENT_TOOL_CALLS, INVOKE_WORKFLOW_DURATION):
        assert total(text, f"{metric.name}_count") == 300
    assert total(text, f"{INVOKE_AGENT_DURATION.name}_count") == 300
    assert total(text, f"{INVOKE_AGENT_DURATION.name}_count", error_type="") == 200
    for metric in (MCP_OPERATION_DURATION, MCP_SESSION_DURATION):
        assert total(text, f"{metric.name}_count") == 300
    assert total(text, MCP_TOOL_CALLS) == total(text, GUARDRAIL_TRIGGERS) == 300
    for name in ("accuracy", "confidence"):
        assert total(text, f"{EVALUATION_SCORE.name}_count", gen_ai_evaluation_name=name) == 150
    assert total(text, "agent_documents_total") == 300
    assert len(samples(text)) <= 1000
