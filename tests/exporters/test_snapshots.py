"""The snapshots that the registry stores equal the counters, whatever happens."""

import random
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from pulseguard import Agent
from pulseguard.catalog import OPERATION_DURATION
from tests.exporters.conftest import MakeAgent
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.observing import scrape, total, wait_until
from tests.exporters.work import assert_snapshots_equal_counters, work


def test_a_snapshot_has_the_eight_fields(registry: FakeRegistry, make_agent: MakeAgent) -> None:
    agent = make_agent(registry_url=registry.url, snapshot_seconds=3600)
    agent.start()

    with agent.llm_call(provider="openai", model="gpt-4o") as call:
        call.usage(input_tokens=100, output_tokens=40, cache_read_tokens=60)
        time.sleep(0.02)
    agent.evaluation("accuracy", 0.5)
    agent.evaluation("accuracy", 1.0)
    agent.evaluation("confidence", 0.9)
    agent.stop()

    (snapshot,) = registry.stored()
    assert snapshot["model_inference_time_ms"] == pytest.approx(20, abs=15)
    assert 0 < snapshot["model_inference_time_p95_ms"] <= 320
    assert snapshot["model_accuracy"] == 0.75
    assert snapshot["confidence_score"] == 0.9
    assert snapshot["tokens_processed"] == 140
    assert snapshot["tokens_per_second"] == pytest.approx(40 / 0.02, rel=0.5)
    assert snapshot["context_length"] == 100
    assert snapshot["api_calls_made"] == 1
    assert snapshot["api_call_latency_ms"] == snapshot["model_inference_time_ms"]
    assert snapshot["api_call_latency_p95_ms"] == snapshot["model_inference_time_p95_ms"]
    assert snapshot["model_calls"] == 1
    assert snapshot["model_errors"] == {}
    assert snapshot["tasks_pending"] is None


def test_an_interval_without_calls_knows_no_times(
    registry: FakeRegistry, make_agent: MakeAgent
) -> None:
    agent = make_agent(registry_url=registry.url)
    agent.start()

    wait_until(registry.stored)

    snapshot = registry.stored()[0]
    unknown = [name for name, value in snapshot.items() if value is None]
    assert unknown == [
        "model_inference_time_ms",
        "model_inference_time_p95_ms",
        "model_accuracy",
        "confidence_score",
        "tokens_per_second",
        "context_length",
        "api_call_latency_ms",
        "api_call_latency_p95_ms",
        "tasks_pending",
    ]


def test_snapshots_follow_each_other_without_a_gap(
    registry: FakeRegistry, make_agent: MakeAgent
) -> None:
    agent = make_agent(registry_url=registry.url)
    began = time.monotonic()
    agent.start()
    wait_until(lambda: len(registry.stored()) >= 5)
    agent.stop()
    lived = time.monotonic() - began

    taken = [snapshot["taken_at"] for snapshot in registry.stored()]
    assert taken == sorted(set(taken))
    seconds = sum(snapshot["interval_seconds"] for snapshot in registry.stored())
    assert seconds == pytest.approx(lived, abs=0.1)


def unreliable(seed: int) -> Callable[[str], str | None]:
    """Every kind of trouble, more often than not."""
    choose = random.Random(seed)
    faults = ["503", "drop", "lose", "404", "429", "401", None, None, None]
    return lambda path: choose.choice(faults)


@pytest.mark.parametrize("seed", range(3))
def test_snapshots_equal_the_counters_whatever_the_registry_does(
    make_agent: MakeAgent, seed: int
) -> None:
    enough = threading.Event()

    def work_on() -> None:
        while not enough.wait(0.005):
            work(agent, 3)

    with FakeRegistry(fault=unreliable(seed)) as registry:
        agent = make_agent(registry_url=registry.url, snapshot_seconds=0.05)
        agent.start()
        threads = [threading.Thread(target=work_on) for _ in range(4)]
        for thread in threads:
            thread.start()
        every_fault = {"503", "drop", "lose", "404", "429", "401"}
        wait_until(lambda: every_fault <= {request.fault for request in registry.requests})
        enough.set()
        for thread in threads:
            thread.join()
        with registry.lock:
            registry.fault = lambda path: None
        text = scrape(agent)
        agent.stop()

    assert registry.goodbyes
    assert_snapshots_equal_counters(registry, text)


def test_a_lost_reply_is_sent_again_unchanged(make_agent: MakeAgent) -> None:
    lost: list[str] = []

    def lose_the_first_snapshots(path: str) -> str | None:
        if registry.snapshots and len(lost) < 5:
            lost.append(path)
            return "lose"
        return None

    with FakeRegistry(fault=lose_the_first_snapshots) as registry:
        agent = make_agent(registry_url=registry.url)
        agent.start()
        work(agent)
        wait_until(lambda: len(lost) == 5)
        work(agent)
        wait_until(lambda: registry.total("model_calls") == 40)
        text = scrape(agent)
        agent.stop()

    sent = [taken for request in registry.requests for taken in taken_times(request.body)]
    assert len(sent) > len(set(sent))
    assert_snapshots_equal_counters(registry, text)


def taken_times(body: Any) -> list[str]:
    snapshots = [*body.get("snapshots", []), *([body["snapshot"]] if "snapshot" in body else [])]
    return [snapshot["taken_at"] for snapshot in snapshots]


def test_a_long_outage_joins_snapshots_and_loses_nothing(make_agent: MakeAgent) -> None:
    registry = FakeRegistry()
    with registry:
        pass
    agent = make_agent(registry_url=registry.url, snapshot_seconds=0.05)
    agent.start()
    deadline = time.monotonic() + 4.5
    while time.monotonic() < deadline:
        work(agent, 1)
        time.sleep(0.01)

    with registry:
        wait_until(lambda: len(registry.stored()) > 0)
        agent.stop()
        text_calls = registry.total("model_calls")

    batches = [r.body["snapshots"] for r in registry.requests if "snapshots" in r.body]
    longest = max(s["interval_seconds"] for s in registry.stored())
    assert sum(map(len, batches)) <= 62
    assert longest > 0.08
    assert text_calls == total_calls(agent)
    assert sum(s["interval_seconds"] for s in registry.stored()) == pytest.approx(4.7, abs=0.5)


def total_calls(agent: Agent) -> int:
    agent.start()
    return int(total(scrape(agent), f"{OPERATION_DURATION.name}_count"))


def test_a_refused_snapshot_does_not_hold_up_the_others(make_agent: MakeAgent) -> None:
    refused: list[Any] = []

    def refuse_one(path: str) -> str | None:
        if path.endswith("ai-metrics") and len(refused) < 2:
            refused.append(path)
            return "422"
        return "503" if path.endswith("heartbeat") and time.monotonic() < outage else None

    outage = time.monotonic() + 0.6
    with FakeRegistry(fault=refuse_one) as registry:
        agent = make_agent(registry_url=registry.url, strict=False)
        agent.start()
        wait_until(lambda: len(refused) == 2)
        work(agent)
        wait_until(lambda: registry.total("model_calls") == 20)
