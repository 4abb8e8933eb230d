"""The tasks that wait: told or asked for, on /metrics and in the snapshot, never guessed."""

import math
import threading
import time
from typing import Any

import pytest

from pulseguard.catalog import EXPORTER_FAILURES, OLDEST_PENDING_TASK_AGE, TASKS_PENDING
from pulseguard.guard import Guard, OncePerMinute
from pulseguard.recording.task_queue import OLDEST_ANSWER_SECONDS, Pending, WatchedQueue
from tests.exporters.conftest import MakeAgent
from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.observing import scrape, total, wait_until


def test_what_is_told_is_shown_until_something_else_is_told(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()

    fresh = scrape(agent)
    agent.queue(pending=12, oldest_age_seconds=30.5)
    told = scrape(agent)
    agent.queue(pending=0)
    empty = scrape(agent)
    agent.queue(pending=None)

    assert TASKS_PENDING.name not in fresh
    assert total(told, TASKS_PENDING) == 12
    assert total(told, OLDEST_PENDING_TASK_AGE) == 30.5
    assert f"{TASKS_PENDING.name} 0\n" in empty
    assert OLDEST_PENDING_TASK_AGE.name not in empty
    assert TASKS_PENDING.name not in scrape(agent)


def test_a_watched_queue_is_asked_at_each_scrape(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()
    waiting = [1, 2, 3]

    agent.queue(pending=100)
    agent.watch_queue(waiting.__len__)
    before = scrape(agent)
    waiting.pop()
    after = scrape(agent)
    agent.watch_queue(lambda: (7, 1.5))
    with_age = scrape(agent)
    agent.watch_queue(None)

    assert total(before, TASKS_PENDING) == 3
    assert total(after, TASKS_PENDING) == 2
    assert total(with_age, TASKS_PENDING) == 7
    assert total(with_age, OLDEST_PENDING_TASK_AGE) == 1.5
    assert total(scrape(agent), TASKS_PENDING) == 100


@pytest.mark.parametrize(
    "answer", [-1, 1.5, "7", None, math.nan, (), (1, 2, 3), (1, -1), (1, math.inf), [3], 10**30]
)
def test_an_answer_that_is_no_number_leaves_the_queue_unknown(
    make_agent: MakeAgent, answer: Any
) -> None:
    agent = make_agent(strict=False)
    agent.start()
    agent.watch_queue(lambda: answer)

    text = scrape(agent)

    assert TASKS_PENDING.name not in text
    assert OLDEST_PENDING_TASK_AGE.name not in text
    expected = 0 if answer is None else 1
    assert total(scrape(agent), EXPORTER_FAILURES, operation="read the task queue") >= expected


def test_a_function_that_fails_breaks_no_scrape_and_is_asked_again(make_agent: MakeAgent) -> None:
    agent = make_agent(strict=False)
    agent.start()
    broken = [True]

    def ask() -> int:
        if broken:
            raise OSError("gone")
        return 5

    agent.watch_queue(ask)
    unknown = scrape(agent)
    broken.clear()

    assert TASKS_PENDING.name not in unknown
    assert total(scrape(agent), TASKS_PENDING) == 5


def test_a_function_that_hangs_costs_one_thread_and_no_scrape(make_agent: MakeAgent) -> None:
    agent = make_agent()
    agent.start()
    release = threading.Event()
    agent.watch_queue(lambda: 3 if release.wait(30) else 0)

    began = time.monotonic()
    texts = [scrape(agent) for _ in range(20)]
    took = time.monotonic() - began
    asking = [each for each in threading.enumerate() if each.name == "pulseguard-task-queue"]
    release.set()

    assert all(TASKS_PENDING.name not in text for text in texts)
    assert took < 3
    assert len(asking) == 1
    assert asking[0].daemon
    wait_until(lambda: total(scrape(agent), TASKS_PENDING) == 3)


def test_an_answer_that_came_late_is_shown_for_a_minute() -> None:
    now = [1000.0]
    release = threading.Event()
    guard = Guard(lambda operation: None, OncePerMinute(), strict=True)
    queue = WatchedQueue(lambda: 3 if release.wait(30) else 0, guard, clock=lambda: now[0])

    first = queue.read()
    release.set()
    wait_until(lambda: queue.read() == Pending(3))
    release.clear()
    now[0] += OLDEST_ANSWER_SECONDS
    a_minute_later = queue.read()
    now[0] += 1
    too_late = queue.read()
    release.set()

    assert (first, a_minute_later, too_late) == (Pending(), Pending(3), Pending())


def test_the_snapshot_says_what_is_known_of_the_queue(
    registry: FakeRegistry, make_agent: MakeAgent
) -> None:
    agent = make_agent(registry_url=registry.url)
    agent.start()
    wait_until(registry.stored)

    agent.queue(pending=4)
    wait_until(lambda: registry.stored()[-1]["tasks_pending"] == 4)
    agent.watch_queue(lambda: 9)
    wait_until(lambda: registry.stored()[-1]["tasks_pending"] == 9)
    agent.stop()

    assert registry.stored()[0]["tasks_pending"] is None
    assert registry.stored()[-1]["tasks_pending"] == 9


@pytest.mark.parametrize("value", [-1, 1.5, "many", math.nan, 2**60, object()])
def test_what_is_no_number_of_tasks_changes_nothing(make_agent: MakeAgent, value: Any) -> None:
    agent = make_agent(strict=False)
    agent.start()

    agent.queue(pending=3, oldest_age_seconds=2)
    agent.queue(pending=value)
    agent.queue(pending=5, oldest_age_seconds="old" if value == 1.5 else -1)  # type: ignore[arg-type]
    agent.watch_queue(value)

    assert total(scrape(agent), TASKS_PENDING) == 3
    assert total(scrape(agent), EXPORTER_FAILURES) == 3
