"""What the agent is doing: idle, working, waiting, stuck, failed, draining."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from pulseguard.catalog import (
    AGENT_METRICS,
    AGENT_STATE,
    AGENT_STATES,
    ERRORS,
    EXPORTER_FAILURES,
    LAST_ACTIVITY,
    LAST_PROGRESS,
    WAITING_SECONDS,
)
from pulseguard.recording.activity import Activity
from pulseguard.recording.series import Series
from tests.exporters.conftest import MakeAgent
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.observing import scrape, total, wait_until


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def activity(clock: Clock) -> Activity:
    """With a patience of 300 seconds."""
    series = Series(AGENT_METRICS, "lean", 1000)
    return Activity(series, patience_seconds=300, clock=clock)


def test_work_without_progress_is_stuck_after_its_time(activity: Activity, clock: Clock) -> None:
    activity.task_began()
    clock.now += 300
    in_time = activity.state()
    clock.now += 1
    late = activity.state()
    activity.task_ended(well=True)

    assert (in_time, late, activity.state()) == ("working", "stuck", "idle")


def test_new_work_after_a_long_rest_is_not_stuck(activity: Activity, clock: Clock) -> None:
    activity.task_began()
    activity.task_ended(well=True)
    clock.now += 100_000
    activity.task_began()

    assert activity.state() == "working"


@pytest.mark.parametrize(
    "sign",
    [
        lambda activity, now: activity.progressed(),
        lambda activity, now: activity.moved(now),
        lambda activity, now: (activity.began(), activity.ended(well=True)),
    ],
    ids=["told", "a chunk", "something ended well"],
)
def test_any_progress_ends_being_stuck(
    activity: Activity, clock: Clock, sign: Callable[[Activity, float], Any]
) -> None:
    activity.task_began()
    clock.now += 301
    before = activity.state()
    sign(activity, clock.now)

    assert (before, activity.state()) == ("stuck", "working")


def test_what_fails_over_and_over_is_no_progress(activity: Activity, clock: Clock) -> None:
    activity.task_began()
    for _ in range(31):
        clock.now += 10
        activity.began()
        activity.ended(well=False)

    assert activity.state() == "stuck"


def test_one_who_waits_is_never_stuck_and_has_patience_anew(
    activity: Activity, clock: Clock
) -> None:
    activity.task_began()
    clock.now += 299
    activity.wait_began()
    clock.now += 10_000
    waiting = activity.state()
    activity.wait_ended()
    clock.now += 299
    after = activity.state()
    clock.now += 2

    assert (waiting, after, activity.state()) == ("waiting", "working", "stuck")


def test_an_agent_waits_once_all_its_tasks_wait(activity: Activity) -> None:
    activity.task_began()
    activity.task_began()
    activity.wait_began()
    one = activity.state()
    activity.wait_began()
    both = activity.state()
    activity.wait_ended()

    assert (one, both, activity.state()) == ("working", "waiting", "working")


def test_without_a_patience_nothing_is_stuck(clock: Clock) -> None:
    activity = Activity(Series(AGENT_METRICS, "lean", 1000), clock=clock)
    activity.task_began()
    clock.now += 1e9

    assert activity.state() == "working"


def test_a_failed_agent_is_well_again_with_its_next_task(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    def shown() -> str:
        text = scrape(agent)
        assert total(text, AGENT_STATE) == 1
        return next(state for state in AGENT_STATES if total(text, AGENT_STATE, state=state))

    agent.failed(TimeoutError())
    failed = shown()
    with agent.llm_call():
        still = shown()
    with agent.task():
        at_work = shown()
    agent.failed("no such type")
    agent.recovered()

    assert (failed, still, at_work, shown()) == ("failed", "failed", "working", "idle")
    assert total(scrape(agent), ERRORS, source="agent", error_type="timeout") == 1
    assert total(scrape(agent), ERRORS, source="agent", error_type="_OTHER") == 1


def test_waiting_is_measured_by_its_reason(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    with agent.task(), agent.waiting("human"):
        during = scrape(agent)
        threading.Event().wait(0.02)
    with agent.waiting("the barber"):  # type: ignore[arg-type]
        pass

    text = scrape(agent)
    assert total(during, AGENT_STATE, state="waiting") == 1
    assert 0.02 <= total(text, WAITING_SECONDS, reason="human") < 5
    assert 0 < total(text, WAITING_SECONDS, reason="_OTHER") < 5
    assert total(text, EXPORTER_FAILURES) == 0


def test_progress_is_absent_until_there_is_some(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    fresh = scrape(agent)
    with agent.tool("search") as tool:
        tool.error("timeout")
    failed = scrape(agent)
    agent.progress()

    assert LAST_PROGRESS.name not in fresh
    assert LAST_ACTIVITY.name not in fresh
    assert LAST_PROGRESS.name not in failed
    assert total(failed, LAST_ACTIVITY) > 0
    assert total(scrape(agent), LAST_PROGRESS) > 0


@pytest.mark.parametrize("source", ["argument", "environment"])
def test_the_registry_hears_that_the_agent_is_stuck(
    registry: FakeRegistry,
    make_agent: MakeAgent,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
) -> None:
    arguments = {"stuck_after_seconds": 0.2} if source == "argument" else {}
    monkeypatch.setenv("PULSEGUARD_STUCK_AFTER_SECONDS", "0.2")
    agent = make_agent(registry_url=registry.url, **arguments)
    agent.start()

    def said() -> str:
        with registry.lock:
            bodies = [each.body for each in registry.requests if each.path.endswith("heartbeat")]
        return bodies[-1]["state"] if bodies else ""

    with agent.llm_call() as call:
        wait_until(lambda: said() == "stuck")

        def goes_on() -> bool:
            call.first_chunk()
            return said() == "working"

        wait_until(goes_on)
    wait_until(lambda: said() == "idle")
    with agent.waiting("human"):
        wait_until(lambda: said() == "waiting")
    agent.failed()
    wait_until(lambda: said() == "failed")
