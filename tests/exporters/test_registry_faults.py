"""A registry that is ill in every way: the agent starts at once, stays small, tells all later."""

import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from pulseguard import Agent
from pulseguard.catalog import EXPORTER_REGISTRY_REQUESTS
from pulseguard.reporting.snapshots import MOST_WAITING
from tests.exporters.conftest import MakeAgent
from tests.exporters.ill_registries import ILL, READ_SECONDS, REGISTRYS, reset, served
from tests.exporters.observing import scrape, total, wait_until
from tests.exporters.work import assert_snapshots_equal_counters, work


def others(before: set[threading.Thread]) -> Counter[str]:
    """The threads that came since, but for those of the registry."""
    since = [each.name for each in threading.enumerate() if each not in before]
    registrys = (REGISTRYS, "process_request_thread", "serve_forever")
    return Counter(name for name in since if not any(each in name for each in registrys))


@pytest.mark.parametrize("illness", ILL)
def test_whatever_ails_the_registry_the_agent_works_and_tells_all_when_it_is_well(
    make_agent: MakeAgent, monkeypatch: pytest.MonkeyPatch, illness: str
) -> None:
    monkeypatch.setattr("pulseguard.reporting.client.READ_SECONDS", READ_SECONDS)
    monkeypatch.setattr("pulseguard.reporting.client.CONNECT_SECONDS", READ_SECONDS)
    before = set(threading.enumerate())
    with ILL[illness]() as registry:
        agents = [make_agent(registry_url=registry.url, strict=False) for _ in range(4)]
        seconds = [time_of(agent.start) for agent in agents]
        work(agents[0])
        scrape(agents[0])
        with most_memory() as most_bytes:
            for agent in agents:
                wait_until(partial(has_tried, agent, 3), 20)
        page = scrape(agents[0])
        threads = others(before)

    with registry:
        wait_until(lambda: registry.total("model_calls") == 20, 20)
        wait_until(lambda: len(registry.agents) == len(agents))
        for agent in agents[1:]:
            agent.stop()
        assert_snapshots_equal_counters(registry, page)
        known = {each["instance"]: each["metrics_address"] for each in registry.agents.values()}
        assert known.keys() == {agent.instance for agent in agents}
        assert known[agents[0].instance] == agents[0].metrics_address

    # The first warms up, of the others the best: the promise is about waiting, not about how busy
    # this machine is.
    assert min(seconds[1:]) < 0.05
    assert threads == {"pulseguard-metrics": len(agents), "pulseguard-reporter": len(agents)}
    assert most_bytes[0] < 8 << 20


def has_tried(agent: Agent, times: int) -> bool:
    return total(scrape(agent), EXPORTER_REGISTRY_REQUESTS) >= times


@contextmanager
def most_memory() -> Iterator[list[int]]:
    """How many bytes were taken at most, all threads together; known at the end."""
    found = [0]
    tracemalloc.start()
    try:
        yield found
        found[0] = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_what_waits_for_a_registry_that_stays_away_is_bounded(make_agent: MakeAgent) -> None:
    with served(reset) as registry:
        agent = make_agent(registry_url=registry.url, snapshot_seconds=0.05, strict=False)
        agent.start()
        deadline = time.monotonic() + 4
        while time.monotonic() < deadline:
            work(agent, 1)
            time.sleep(0.01)
        agent.stop(timeout_seconds=0.1)
        agent.start()
        page = scrape(agent)

    with registry:
        wait_until(lambda: registry.total("model_calls") > 0, 10)
        agent.stop()
        assert len(registry.stored()) <= MOST_WAITING + 20
        assert_snapshots_equal_counters(registry, page)


def time_of(action: Callable[[], None]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
