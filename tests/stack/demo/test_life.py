"""Bursts, signals, and servers that come and go."""

from __future__ import annotations

import signal
from functools import partial

import pytest

from tests.exporters.fake_registry import FakeRegistry
from tests.prometheus_server import eventually, free_port
from tests.stack.conftest import AT_ONCE
from tests.stack.demo.ledgers import entries_of, numbers_of_ledger, numbers_of_page
from tests.stack.demo.processes import CALLS

SCORES = "pulseguard_evaluation_score_ratio"
STOP_SECONDS = 3
# The first task begins at once, the second long after the test.
IDLE = ("--pace", "1000")


def test_a_burst_is_exactly_so_many_marked_calls(server, start):
    agent = start("support-chat", server.url, *IDLE, "--burst", "37", "--seed", "5")
    eventually(lambda: agent.tasks("completed") + agent.tasks("failed") == 1)
    before = agent.page.total(CALLS)

    for burst in (1, 2):
        agent.process.send_signal(signal.SIGUSR1)
        eventually(partial(agent.has_logged, f"burst {burst}: 37 calls made"))

    assert agent.page.total(CALLS) == before + 2 * 37
    calls = {entry.call for entry in entries_of(server, "support-chat")}
    for burst in (1, 2):
        assert sum(f"-burst-{burst}-" in call for call in calls) == 37


def test_calls_that_fail_belong_to_the_burst(start_server, start):
    server = start_server(*AT_ONCE, "--rate-500", "0.7")
    agent = start("invoice-extraction", server.url, *IDLE, "--burst", "20")
    eventually(lambda: agent.tasks("completed") + agent.tasks("failed") == 1)
    before = agent.page.total(CALLS)

    agent.process.send_signal(signal.SIGUSR1)
    eventually(partial(agent.has_logged, "burst 1: 20 calls made"))

    assert agent.page.total(CALLS) == before + 20
    told = numbers_of_page(agent)
    assert told == numbers_of_ledger(server, "invoice-extraction")
    assert told.retries > 0
    assert told.errors["server_error"] > 0


def test_a_stream_that_breaks_off_fails_its_task_and_no_other(start_server, start):
    server = start_server(*AT_ONCE, "--rate-cut", "0.2")
    agent = start("support-chat", server.url, "--pace", "0.02")

    eventually(lambda: agent.tasks("failed") >= 2 and agent.tasks("completed") >= 2)

    assert agent.page.by("error_type", "pulseguard_errors_total", source="chat")["network"] >= 2


@pytest.mark.parametrize(("share", "accuracy"), [("1", 1), ("0", 0)])
def test_accuracy_is_measured_and_not_made_up(start_server, start, share, accuracy):
    server = start_server(*AT_ONCE, "--right-share", share)
    agent = start("invoice-extraction", server.url, "--pace", "0.02")
    eventually(lambda: agent.tasks("completed") >= 5)

    page = agent.page

    graded = page.total(f"{SCORES}_count", gen_ai_evaluation_name="accuracy")
    right = page.total(f"{SCORES}_sum", gen_ai_evaluation_name="accuracy")
    assert graded >= 5
    assert right == graded * accuracy


def test_a_proxy_for_the_wide_world_is_not_asked(server, start):
    agent = start("coder", server.url, *IDLE, "--seed", "5", HTTP_PROXY="http://127.0.0.1:9")

    eventually(lambda: agent.page.total(CALLS, error_type=""))


@pytest.mark.parametrize(
    "signals", [[signal.SIGTERM], [signal.SIGINT, signal.SIGTERM]], ids=["SIGTERM", "both"]
)
def test_a_signal_in_the_middle_of_a_call_ends_it_with_a_goodbye(start_server, start, signals):
    server = start_server("--first-token-median", "60")
    with FakeRegistry() as registry:
        agent = start("coder", server.url, PULSEGUARD_REGISTRY_URL=registry.url)
        eventually(lambda: server.get("/ledger")["open"] == 1 and registry.agents)
        assert agent.page.total("pulseguard_calls_in_progress") == 1

        for number in signals[:-1]:
            agent.process.send_signal(number)
        status = agent.end(signals[-1], STOP_SECONDS)

    assert status == 0
    assert registry.goodbyes == list(registry.agents)
    (snapshot,) = registry.stored()
    assert (snapshot["model_calls"], snapshot["model_errors"]) == (1, {})
    assert [line for line in agent.log() if "registered with" not in line] == []


def test_it_ends_in_time_while_neither_server_nor_registry_answers(start):
    nobody = f"http://127.0.0.1:{free_port()}"
    agent = start("data-pipeline", nobody, PULSEGUARD_REGISTRY_URL=nobody)
    eventually(lambda: agent.tasks("failed") >= 1)

    assert agent.end(signal.SIGTERM, STOP_SECONDS) == 0


def test_the_model_server_goes_and_comes_back_and_the_log_stays_short(start_server, start):
    port = str(free_port())
    server = start_server(*AT_ONCE, "--port", port)
    agent = start("support-chat", server.url, "--pace", "0.02")
    eventually(lambda: agent.tasks("completed") >= 3)
    server.process.terminate()
    server.process.wait(5)
    eventually(lambda: agent.tasks("failed") >= 3)
    completed = agent.tasks("completed")

    start_server(*AT_ONCE, "--port", port)
    eventually(lambda: agent.tasks("completed") >= completed + 3)

    assert agent.page.by("error_type", "pulseguard_errors_total", source="task")["network"] >= 3
    assert len([line for line in agent.log() if "APIConnectionError" in line]) == 1
    assert agent.end(signal.SIGTERM, STOP_SECONDS) == 0
