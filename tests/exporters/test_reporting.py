"""What the registry gets to know of an agent, and when."""

import logging
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.exporters.conftest import MakeAgent
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.observing import scrape, wait_until
from tests.exporters.work import assert_snapshots_equal_counters, work


def test_an_agent_registers_then_gives_signs_of_life(
    registry: FakeRegistry, make_agent: MakeAgent
) -> None:
    agent = make_agent(
        registry_url=registry.url,
        version="2.1.0",
        team="finance",
        environment="test",
        instance="one",
        tags=["a"],
        labels={"tier": "gold"},
        config={"temperature": 0.2},
        snapshot_seconds=3600,
    )

    agent.start()

    wait_until(lambda: len(registry.requests) >= 3)
    first, *heartbeats = registry.requests[:3]
    assert first.path == "/api/v1/agents"
    assert first.body == {
        "name": "invoice-bot",
        "instance": "one",
        "environment": "test",
        "type": "LLM_AGENT",
        "version": "2.1.0",
        "description": "",
        "deployment_type": "LOCAL",
        "host": socket.gethostname(),
        "team": "finance",
        "tags": ["a"],
        "labels": {"tier": "gold"},
        "config": {"temperature": 0.2},
        "metrics_address": agent.metrics_address,
    }
    (process,) = {heartbeat.body["process"] for heartbeat in heartbeats}
    assert process.startswith(f"{socket.gethostname()}:{os.getpid()}:")
    for heartbeat in heartbeats:
        assert heartbeat.path == f"/api/v1/agents/{agent.agent_id}/heartbeat"
        assert heartbeat.body == {"state": "idle", "goodbye": False, "process": process}


@pytest.mark.parametrize(
    ("advertise", "told"), [(None, "127.0.0.1:"), ("agent.internal:9464", "agent.internal:9464")]
)
def test_listening_everywhere_it_tells_an_address_that_can_be_reached(
    registry: FakeRegistry, make_agent: MakeAgent, advertise: str | None, told: str
) -> None:
    agent = make_agent(
        registry_url=registry.url, metrics_host="0.0.0.0", metrics_advertise=advertise
    )

    agent.start()

    wait_until(lambda: registry.agents)
    (registered,) = registry.agents.values()
    assert registered["metrics_address"].startswith(told)


def test_a_registry_that_comes_late_gets_everything(make_agent: MakeAgent) -> None:
    registry = FakeRegistry()
    with registry:
        pass
    agent = make_agent(registry_url=registry.url)
    agent.start()
    work(agent)
    time.sleep(0.3)

    with registry:
        wait_until(lambda: registry.total("model_calls") == 20)
        text = scrape(agent)
        agent.stop()

    kinds = [path.rpartition("/")[2] for path in registry.paths()[:3]]
    assert kinds == ["agents", "heartbeat", "ai-metrics"]
    assert_snapshots_equal_counters(registry, text)


def test_a_registry_that_forgot_everything_is_told_again(
    registry: FakeRegistry, make_agent: MakeAgent
) -> None:
    agent = make_agent(registry_url=registry.url)
    agent.start()
    wait_until(lambda: agent.agent_id in registry.agents)
    first_id = agent.agent_id
    work(agent)

    registry.forget()

    wait_until(lambda: registry.agents)
    wait_until(lambda: registry.total("model_calls") == 20)
    assert agent.agent_id == first_id


def test_a_rotated_key_file_is_read_again(tmp_path: Path, make_agent: MakeAgent) -> None:
    key_file = tmp_path / "key"
    key_file.write_text("old\n")
    with FakeRegistry(key="old") as registry:
        agent = make_agent(registry_url=registry.url, key_file=str(key_file))
        agent.start()
        wait_until(lambda: registry.agents)

        with registry.lock:
            registry.key = "new"
        wait_until(lambda: registry.requests[-1].fault == "401")
        key_file.write_text("new\n")

        wait_until(lambda: registry.requests[-1].key == "new")
        wait_until(lambda: registry.paths()[-1].endswith("heartbeat"))


def test_a_refused_key_is_told_once_with_the_mend_and_never_shown(
    make_agent: MakeAgent, caplog: pytest.LogCaptureFixture
) -> None:
    with FakeRegistry(key="right") as registry:
        agent = make_agent(registry_url=registry.url, key="wrong-and-secret")
        with caplog.at_level(logging.DEBUG):
            agent.start()
            wait_until(lambda: len(registry.requests) >= 4)
            agent.stop()

    lines = [record.getMessage() for record in caplog.records]
    assert len([line for line in lines if "401" in line]) == 1
    assert "PULSEGUARD_KEY_FILE" in "".join(lines)
    assert "wrong-and-secret" not in "".join(lines) + repr(agent)


def test_without_a_registry_one_line_says_how_to_register(
    make_agent: MakeAgent, caplog: pytest.LogCaptureFixture
) -> None:
    agent = make_agent()

    agent.start()

    (line,) = [record.getMessage() for record in caplog.records]
    assert f"http://{agent.metrics_address}/metrics only" in line
    assert "PULSEGUARD_REGISTRY_URL" in line


def test_start_does_not_wait_for_a_black_hole(make_agent: MakeAgent) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as hole:
        url = f"http://127.0.0.1:{hole.getsockname()[1]}"
        agents = [make_agent(registry_url=url, strict=False) for _ in range(5)]

        seconds = [time_of(agent.start) for agent in agents]
        page = scrape(agents[0])
        stopping = time_of(lambda: agents[1].stop(timeout_seconds=0.5))

    # The best of five: the promise is about waiting, not about how busy this machine is.
    assert min(seconds) < 0.05
    assert page
    assert stopping < 1.5


def time_of(action: Callable[[], None]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def test_goodbye_comes_with_the_last_snapshot(
    registry: FakeRegistry, make_agent: MakeAgent
) -> None:
    agent = make_agent(registry_url=registry.url, snapshot_seconds=3600, heartbeat_seconds=3600)
    agent.start()
    wait_until(lambda: len(registry.requests) == 2)
    work(agent)

    agent.stop()

    last = registry.requests[-1].body
    assert (last["goodbye"], last["state"]) == (True, "draining")
    assert last["snapshot"]["model_calls"] == 20


def test_an_agent_that_stops_at_once_is_known_nevertheless(
    registry: FakeRegistry, make_agent: MakeAgent
) -> None:
    agent = make_agent(registry_url=registry.url)

    with agent:
        work(agent)

    assert registry.total("model_calls") == 20
    assert len(registry.goodbyes) == 1


def test_one_that_stops_before_it_has_beaten_is_heeded_though_another_has_beaten_last(
    registry: FakeRegistry, make_agent: MakeAgent
) -> None:
    """As after a crash: nobody has said goodbye for the process before."""
    registry.fault = lambda path: "503" if path.endswith("heartbeat") else None
    agent = make_agent(registry_url=registry.url)
    agent.start()
    wait_until(lambda: registry.agents)
    (agent_id,) = registry.agents
    registry.beating[agent_id] = "web-1:7:0123"
    registry.fault = lambda path: None

    work(agent)
    agent.stop()

    assert registry.stopped == {agent_id}
    assert registry.total("model_calls") == 20


def test_started_again_it_is_the_same_agent_and_nothing_is_lost(
    registry: FakeRegistry, make_agent: MakeAgent
) -> None:
    agent = make_agent(registry_url=registry.url, metrics_port=0)
    agent.start()
    wait_until(lambda: agent.agent_id)
    first = (agent.agent_id, agent.instance)
    agent.stop()
    work(agent)

    agent.start()
    wait_until(lambda: registry.total("model_calls") == 20)

    assert (agent.agent_id, agent.instance) == first
    assert_snapshots_equal_counters(registry, scrape(agent))
