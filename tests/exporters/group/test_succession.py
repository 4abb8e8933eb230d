"""A process of the agent comes just as the only one before it goes."""

import signal
import socket
import threading
import time
from typing import Any

import pytest

from pulseguard.scraping import server
from tests.exporters.conftest import MakeAgent
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.group.programs import Program, Programs, wait_for_tasks
from tests.exporters.observing import wait_until

AGENT = """
agent = Agent("bot", instance="one")
agent.start()
work(agent, {tasks})
say(address=agent.metrics_address)
wait_for("{until}")
say(ends=agent.stop(10))
"""


def start_one(programs: Programs, registry: FakeRegistry, *, tasks: int, until: str) -> Program:
    """A process of the agent that has done so many tasks, and ends at this signal."""
    body = AGENT.format(tasks=tasks, until=until)
    program = programs.start(body, PULSEGUARD_REGISTRY_URL=registry.url)
    program.said()
    return program


def begin_a_long_goodbye(last: Program, registry: FakeRegistry) -> threading.Event:
    """End the last process; the registry answers it only when the event is set."""
    says_goodbye, may_go_on = threading.Event(), threading.Event()

    def wait(path: str) -> None:
        says_goodbye.set()
        may_go_on.wait(20)

    registry.fault = wait
    last.signal("a")
    assert says_goodbye.wait(10)
    time.sleep(1)  # by now it has found that it is the last one
    return may_go_on


def test_who_comes_while_the_last_one_says_goodbye_goes_on_with_its_numbers(
    registry: FakeRegistry, programs: Programs
) -> None:
    first = start_one(programs, registry, tasks=5, until="a")
    wait_until(lambda: registry.total("tasks_completed") == 5)
    may_go_on = begin_a_long_goodbye(first, registry)
    second = start_one(programs, registry, tasks=7, until="b")
    may_go_on.set()
    first.said()

    wait_until(lambda: registry.total("tasks_completed") == 12)
    (agent,) = registry.agents.values()
    wait_for_tasks(agent["metrics_address"], 12)
    second.signal("b")
    second.said()
    assert registry.contradictions == []
    assert registry.total("tasks_completed") == 12


def test_who_comes_and_goes_while_the_last_one_says_goodbye_is_told_of_as_well(
    registry: FakeRegistry, programs: Programs
) -> None:
    first = start_one(programs, registry, tasks=5, until="a")
    wait_until(lambda: registry.total("tasks_completed") == 5)
    may_go_on = begin_a_long_goodbye(first, registry)
    start_one(programs, registry, tasks=7, until="a").said()
    may_go_on.set()
    first.said()

    assert registry.total("tasks_completed") == 12
    assert registry.requests[-1].body["goodbye"]
    assert registry.contradictions == []


def test_who_follows_one_that_told_nothing_of_it_tells_all_that_it_has_done(
    registry: FakeRegistry, programs: Programs
) -> None:
    first = start_one(programs, registry, tasks=5, until="a")
    wait_until(lambda: registry.total("tasks_completed") == 5)
    first.process.send_signal(signal.SIGSTOP)  # it does not learn that another one has come
    start_one(programs, registry, tasks=7, until="b")

    first.process.kill()

    wait_until(lambda: registry.total("tasks_completed") == 12)
    assert registry.contradictions == []


def test_who_leaves_before_it_has_noticed_that_another_came_leaves_word_of_what_it_has_told(
    registry: FakeRegistry, make_agent: MakeAgent
) -> None:
    of = {"instance": "one", "registry_url": registry.url, "snapshot_seconds": 60}
    first, second = make_agent(**of), make_agent(**of)
    for agent, tasks in ((first, 5), (second, 7)):
        time.sleep(0.2)  # the first one has looked round, and will again in a second
        agent.start()
        for _ in range(tasks):
            with agent.task():
                pass

    first.stop()
    second.stop()

    assert registry.total("tasks_completed") == 12
    assert registry.contradictions == []


def test_who_is_to_end_while_it_waits_for_the_port_of_the_one_before_says_goodbye(
    registry: FakeRegistry, make_agent: MakeAgent, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_waiting = threading.Event()

    def wait_for_the_port(*of: Any) -> Any:
        is_waiting.set()
        return server.bind(*of)

    of = {"instance": "one", "registry_url": registry.url}
    first, second = make_agent(**of), make_agent(**of)
    first.start()
    wait_until(lambda: registry.beating)
    second.start()
    host, _, port = str(first.metrics_address).partition(":")
    monkeypatch.setattr("pulseguard.presence.bind", wait_for_the_port)
    first.stop()

    with socket.create_server((host, int(port))):
        assert is_waiting.wait(10)
        second.stop()

    assert registry.stopped == set(registry.agents)
