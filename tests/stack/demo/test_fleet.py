"""The five demo agents at work: what they say of themselves is what happened."""

from __future__ import annotations

import pytest

from pulseguard_stack.demo.roster import ROSTER
from tests.prometheus_server import eventually
from tests.stack.demo.ledgers import entries_of, numbers_of_ledger, numbers_of_page
from tests.stack.demo.processes import CALLS

SCORES = "pulseguard_evaluation_score_ratio_count"
TOOLS = "gen_ai_execute_tool_duration_seconds_count"
FIRST_CHUNKS = "gen_ai_client_operation_time_to_first_chunk_seconds_count"


@pytest.mark.parametrize("name", ROSTER)
def test_the_counters_of_each_are_what_the_ledger_says(fleet, server, name):
    agent = fleet[name]
    eventually(lambda: agent.tasks("completed") >= 10, timeout_seconds=40)

    # Between two tasks, when no call is under way.
    eventually(
        lambda: numbers_of_page(agent) == numbers_of_ledger(server, name), timeout_seconds=40
    )

    told = numbers_of_page(agent)
    assert told.calls >= 10
    assert told.tokens["input"] > told.tokens["output"] > 0


@pytest.mark.parametrize("name", ROSTER)
def test_each_grades_itself_and_tells_how_sure_it_was_where_the_model_says(fleet, name):
    agent = fleet[name]
    eventually(lambda: agent.tasks("completed") >= 3, timeout_seconds=40)

    scores = agent.page.by("gen_ai_evaluation_name", SCORES)

    expected = {"accuracy"} if name == "researcher" else {"accuracy", "confidence"}
    assert set(scores) == expected


@pytest.mark.parametrize(
    ("name", "tools"),
    [("coder", {"search_code", "run_tests"}), ("researcher", {"search", "fetch"})],
)
def test_tools_are_used_and_measured(fleet, name, tools):
    agent = fleet[name]

    eventually(lambda: set(agent.page.by("gen_ai_tool_name", TOOLS)) == tools, timeout_seconds=40)


def test_the_streams_of_support_chat_have_first_chunks(fleet):
    agent = fleet["support-chat"]
    eventually(lambda: agent.tasks("completed") >= 3, timeout_seconds=40)

    page = agent.page

    ended_well = page.total(CALLS, error_type="")
    assert ended_well <= page.total(FIRST_CHUNKS) <= page.total(CALLS)
    assert page.total("pulseguard_time_per_output_token_seconds_count") > 0


def test_the_researcher_reads_a_long_prompt_from_the_cache_and_reasons(fleet):
    agent = fleet["researcher"]
    eventually(lambda: agent.tasks("completed") >= 3, timeout_seconds=40)

    page = agent.page
    tokens = page.by("gen_ai_token_type", "pulseguard_tokens_total")

    assert tokens["cache_read"] > tokens["input"]
    assert tokens["reasoning"] > 0
    assert page.total("pulseguard_context_window_limit_tokens") == 200_000


def test_the_data_pipeline_fails_now_and_then_and_works_on(fleet):
    agent = fleet["data-pipeline"]

    failed = eventually(lambda: agent.tasks("failed"), timeout_seconds=40)
    completed = agent.tasks("completed")
    eventually(lambda: agent.tasks("completed") > completed, timeout_seconds=40)

    assert failed > 0
    outbound = agent.page.by(
        "http_response_status_code", "http_client_request_duration_seconds_count"
    )
    assert outbound["2xx"] > 0


@pytest.mark.parametrize("name", ROSTER)
def test_each_call_has_an_id_of_its_own(fleet, server, name):
    agent = fleet[name]
    eventually(lambda: agent.tasks("completed") >= 3, timeout_seconds=40)

    attempts = [(entry.call, entry.attempt) for entry in entries_of(server, name)]

    assert len(set(attempts)) == len(attempts)
    assert all(call.startswith(f"{name}-") for call, _ in attempts)


def test_the_registry_is_told_who_they_are_and_that_they_are_a_simulation(fleet, registry):
    eventually(lambda: len(registry.agents) == len(fleet))
    told = {body["name"]: body for body in registry.agents.values()}

    assert {name: (body["type"], body["team"]) for name, body in told.items()} == {
        "support-chat": ("LLM_AGENT", "support"),
        "coder": ("TASK_AGENT", "engineering"),
        "researcher": ("LLM_AGENT", "research"),
        "invoice-extraction": ("API_AGENT", "finance"),
        "data-pipeline": ("DATA_AGENT", "data"),
    }
    for body in told.values():
        assert body["environment"] == "demo"
        assert body["description"].startswith("simulated fleet: demo agent")
        assert body["metrics_address"]
