"""Log lines: each kind once a minute, and nothing new is lost for that."""

import logging
import socket

import pytest

from pulseguard import Agent
from pulseguard.guard import OncePerMinute
from pulseguard.instrumentation.measured import Meter
from tests.exporters.conftest import MakeAgent
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.observing import wait_until


class Clock:
    """Seconds, as told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, logger="pulseguard")
    return caplog


def test_a_hundred_equal_messages_are_one_line(told: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    journal = OncePerMinute(clock)

    for _ in range(100):
        journal.write("disk", "the disk is full")
    clock.now = 60
    journal.settle()
    journal.flush()

    assert told.messages == ["the disk is full"]


def test_what_is_new_within_the_minute_is_told_when_it_is_over(
    told: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    journal = OncePerMinute(clock)
    for message in ("a is full", "b is full", "a is full", "c is full"):
        journal.write("disk", message)
    journal.write("network", "no route")

    clock.now = 59.9
    journal.settle()
    before = list(told.messages)
    clock.now = 60
    journal.settle()

    assert before == ["a is full", "no route"]
    assert told.messages[2:] == ["c is full (the latest of 2 held back since the last such line)"]


def test_what_was_held_back_has_its_minute_too(told: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    journal = OncePerMinute(clock)
    journal.write("disk", "a is full")
    journal.write("disk", "b is full")

    clock.now = 70
    journal.write("disk", "c is full")
    journal.write("disk", "b is full")
    clock.now = 129
    journal.settle()
    clock.now = 130
    journal.write("network", "no route")

    assert told.messages == [
        "a is full",
        "b is full (the latest of 1 held back since the last such line)",
        "c is full (the latest of 1 held back since the last such line)",
        "no route",
    ]


def test_however_much_is_held_back_one_line_of_each_kind_is_kept(
    told: pytest.LogCaptureFixture,
) -> None:
    journal = OncePerMinute(Clock())
    for number in range(10_000):
        journal.write("disk", f"disk {number} is full")

    held = [vars(journal)[name] for name in vars(journal) if isinstance(vars(journal)[name], dict)]
    journal.flush()
    journal.flush()

    assert [len(each) for each in held] == [1, 0]
    assert told.messages[1:] == [
        "disk 9999 is full (the latest of 9999 held back since the last such line)"
    ]


def test_a_second_fault_of_a_kind_is_told_when_the_agent_stops(
    make_agent: MakeAgent, told: pytest.LogCaptureFixture
) -> None:
    agent = make_agent(strict=False, registry_url=None)
    agent.start()
    agent.evaluation("accuracy", 7.0)
    agent.evaluation("accuracy", 8.0)

    agent.stop()

    assert [line.partition(" is not")[0] for line in told.messages if "8.0" in line] == [
        "pulseguard could not record an evaluation: RefusedValue: score=8.0"
    ]


def fail_twice(agent: Agent) -> None:
    agent.evaluation("accuracy", 7.0)
    agent.evaluation("accuracy", 8.0)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pulseguard.guard._SECONDS_BETWEEN_LINES", 0.3)
    monkeypatch.setattr("pulseguard.group.keeper.SECONDS_BETWEEN_TURNS", 0.1)
    monkeypatch.setattr("pulseguard.scraping.server._SECONDS_BETWEEN_TURNS", 0.1)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("knows_registry", [True, False])
def test_a_second_fault_of_a_kind_is_told_while_the_agent_runs_on(
    make_agent: MakeAgent,
    registry: FakeRegistry,
    told: pytest.LogCaptureFixture,
    knows_registry: bool,
) -> None:
    agent = make_agent(strict=False, registry_url=registry.url if knows_registry else None)
    agent.start()

    fail_twice(agent)

    wait_until(lambda: "score=8.0" in told.text)


@pytest.mark.usefixtures("quick")
def test_a_second_fault_of_a_kind_is_told_by_a_process_that_follows(
    make_agent: MakeAgent, told: pytest.LogCaptureFixture
) -> None:
    leader, follower = (
        make_agent(strict=False, registry_url=None, instance="one") for _ in range(2)
    )
    leader.start()
    follower.start()

    fail_twice(follower)

    wait_until(lambda: "score=8.0" in told.text)


def test_what_was_held_back_before_a_fork_is_told_by_the_parent_alone(
    told: pytest.LogCaptureFixture,
) -> None:
    journal = OncePerMinute(Clock())
    journal.write("disk", "a is full")
    journal.write("disk", "b is full")

    journal.in_forked_child()
    journal.flush()

    assert told.messages == ["a is full"]


def test_a_second_fault_at_measuring_a_library_is_told_when_the_agent_stops(
    make_agent: MakeAgent, told: pytest.LogCaptureFixture
) -> None:
    agent = make_agent(strict=False, registry_url=None)
    agent.start()
    meter = Meter("a library")
    for name in ("first", "second"):
        meter.guard.failed("record a span", OSError(2, "No such file", name))

    agent.stop()

    lines = [line for line in told.messages if "record a span" in line]
    assert ["second" in line for line in lines] == [False, True]


def test_an_outage_that_is_over_is_told_no_more(
    make_agent: MakeAgent, registry: FakeRegistry, told: pytest.LogCaptureFixture
) -> None:
    registry.close()
    agent = make_agent(strict=False, registry_url=registry.url)
    agent.start()
    wait_until(lambda: "gives no answer" in told.text)
    registry.fault = lambda path: "drop"
    registry.listen()
    wait_until(lambda: len(registry.paths()) >= 2)

    registry.fault = lambda path: None
    wait_until(lambda: agent.agent_id)
    agent.stop()

    assert len([line for line in told.messages if "gives no answer" in line]) == 1


def test_an_agent_started_again_says_once_that_no_registry_is_known(
    make_agent: MakeAgent, told: pytest.LogCaptureFixture
) -> None:
    agent = make_agent(strict=False, registry_url=None)
    with agent:
        port = int(str(agent.metrics_address).rpartition(":")[2])
    with socket.create_server(("127.0.0.1", port)), agent:
        pass

    assert len([line for line in told.messages if "no registry is known" in line]) == 1
