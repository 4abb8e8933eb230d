"""Calls that a client repeats by itself: what is counted are the attempts that the server saw."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai._base_client import AsyncAPIClient, SyncAPIClient

import pulseguard
from pulseguard.catalog import EXPORTER_FAILURES, OPERATION_DURATION
from pulseguard_stack.model_server.ledger import Entry
from tests.exporters.instrumentation.asked_again import Call, calls
from tests.exporters.instrumentation.model_server import model_server
from tests.exporters.instrumentation.previous_clients import previous_clients
from tests.exporters.instrumentation.retrying import ANSWER, answering, embed, of_openai, retries
from tests.exporters.observing import scrape, total

PROGRAM = "tests.exporters.instrumentation.asked_again"
REPOSITORY = Path(__file__).parents[3]
AT_ONCE = ("--first-token-median", "0", "--token-median", "0", "--retry-after-ms", "5")
REASONS = {
    "limited": "rate_limit",
    "overloaded": "server_error",
    "stalled": "timeout",
    "in_vain": "rate_limit",
}


@dataclass(frozen=True)
class Asked:
    """What the program told with one pair of majors, and the ledger of its server."""

    told: Any
    ledger: dict[str, list[Entry]]


@pytest.fixture(scope="module", params=["current", "previous"])
def asked(request: pytest.FixtureRequest) -> Asked:
    path = str(previous_clients()) if request.param == "previous" else ""
    paths = filter(None, (path, os.environ.get("PYTHONPATH", "")))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with model_server(*AT_ONCE, "--stall-seconds", "5") as server:
        command = [sys.executable, "-m", PROGRAM, server.url]
        done = subprocess.run(
            command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        ledger: dict[str, list[Entry]] = {}
        for entry in server.entries():
            ledger.setdefault(entry.call, []).append(entry)
    told = json.loads(done.stdout)
    assert told["majors"] == (["2", "1"] if path else ["3", "2"])
    return Asked(told, ledger)


def test_the_attempts_that_the_server_saw_are_the_calls_and_the_retries(asked: Asked):
    def due(call: Call) -> dict[str, Any]:
        again = len(asked.ledger[call.name]) - 1
        return {
            "calls": 1,
            "retries": {REASONS[call.fault]: again} if again else {},
            "errors": {"rate_limit": 1} if call.fault == "in_vain" else {},
            "failures": {},
        }

    counted = asked.told["counted"]
    wrong = {call.name: (counted[call.name], due(call)) for call in calls()}
    assert {name: pair for name, pair in wrong.items() if pair[0] != pair[1]} == {}
    assert sum(len(attempts) - 1 for attempts in asked.ledger.values()) > 100


def test_what_is_asked_again_and_is_no_call_of_a_model_is_not_counted(agent):
    with of_openai(answering(429, 500)) as client:
        client.models.list()
    with of_openai(answering(429)) as client, agent.llm_call("mine", "m"):
        client.models.list()
        embed(client)
    with of_openai(answering(200, 429, 500)) as client, agent.llm_call("mine", "m"):
        embed(client)
        client.models.list()

    assert retries(agent) == {}


def test_a_wait_that_is_broken_off_is_no_retry(agent):
    async def give_up() -> None:
        soon = {"retry-after": "30"}
        stalls = httpx2.MockTransport(lambda request: httpx2.Response(429, headers=soon))
        http = httpx2.AsyncClient(transport=stalls)
        async with openai.AsyncOpenAI(api_key="none", http_client=http) as client:
            await asyncio.wait_for(client.embeddings.create(model="m", input="A boat."), 0.1)

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())

    assert total(scrape(agent), f"{OPERATION_DURATION.name}_count") == 1
    assert retries(agent) == {}


def test_within_a_call_by_hand_the_client_is_heard_where_the_agent_says_nothing(agent):
    with agent.llm_call("mine", "unsaid"), of_openai(answering(429, 500)) as client:
        embed(client)
    found = retries(agent)
    with agent.llm_call("mine", "said") as call, of_openai(answering(429, 500)) as client:
        embed(client)
        call.retries(2, "timeout")

    assert found == {"rate_limit": 1, "server_error": 1}
    assert retries(agent) == {**found, "timeout": 2}


def test_the_retries_are_of_the_agent_that_the_call_is_of(agent, make_agent):
    other = make_agent()
    other.start()
    with agent.task(), of_openai(answering(429)) as client:
        embed(client)

    assert (retries(agent), retries(other)) == ({"rate_limit": 1}, {})


def test_what_fails_at_the_counting_is_not_the_callers(make_agent, caplog):
    class Odd(httpx2.Response):
        @property
        def status_code(self) -> int:
            asks = sys._getframe(1).f_globals["__name__"]
            if asks.startswith("pulseguard."):
                raise RuntimeError
            return int(self.__dict__["status_code"])

        @status_code.setter
        def status_code(self, status: int) -> None:
            self.__dict__["status_code"] = status

    def answer(request: httpx2.Request) -> httpx2.Response:
        tried = request.headers["x-stainless-retry-count"]
        return Odd(429 if tried == "0" else 200, json=ANSWER, headers={"retry-after-ms": "1"})

    agent = make_agent(strict=False)
    agent.start()
    pulseguard.instrument("openai")
    try:
        with of_openai(answer) as client:
            embed(client)
    finally:
        pulseguard.uninstrument()

    assert retries(agent) == {}
    assert total(scrape(agent), EXPORTER_FAILURES, operation="see a retry") == 1


def test_a_version_without_the_method_is_left_out_without_a_word(monkeypatch, make_agent, caplog):
    monkeypatch.delattr(SyncAPIClient, "_sleep_for_retry")
    agent = make_agent()
    agent.start()
    caplog.clear()
    with caplog.at_level(logging.INFO):
        pulseguard.instrument("openai", strict=True)
        try:
            with of_openai(answering()) as client:
                embed(client)
        finally:
            pulseguard.uninstrument()

    assert [record for record in caplog.records if record.name == "pulseguard"] == []
    assert total(scrape(agent), f"{OPERATION_DURATION.name}_count") == 1


def test_the_method_is_given_back():
    owners = (SyncAPIClient, AsyncAPIClient)
    before = [vars(owner)["_sleep_for_retry"] for owner in owners]
    pulseguard.instrument("openai")
    during = [vars(owner)["_sleep_for_retry"] for owner in owners]
    pulseguard.uninstrument("openai")

    assert all(now is not then for now, then in zip(during, before, strict=True))
    assert [asyncio.iscoroutinefunction(method) for method in during] == [False, True]
    assert [vars(owner)["_sleep_for_retry"] for owner in owners] == before
