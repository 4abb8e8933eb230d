"""gunicorn with --preload: the clients' ledger is the judge of what /metrics says."""

import http.client
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import pytest

from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.group.programs import LONG, Program, Programs, page, tasks, wait_for_tasks
from tests.exporters.observing import total, wait_until
from tests.prometheus_server import free_port

REQUESTS = 4000 if LONG else 600

APPLICATION = """
import os
from pulseguard import Agent

agent = Agent("web-bot")
agent.start()

def application(environ, start_response):
    with agent.task(), agent.llm_call("openai", "m") as call:
        call.usage(input_tokens=7, output_tokens=3)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
"""
CONFIGURATION = """
bind = "127.0.0.1:{port}"
workers = 4
preload_app = {preload}
max_requests = {recycled_after}
max_requests_jitter = {recycled_after} // 2
timeout = 10
graceful_timeout = 5

def when_ready(server):
    if not preload_app:
        return
    from application import agent
    print('{{"address": "%s"}}' % agent.metrics_address, flush=True)

def post_worker_init(worker):
    if not preload_app:
        print('{{"worker": %d}}' % worker.pid, flush=True)
"""


@dataclass
class Ledger:
    """What the clients know: which worker answered when."""

    answered: list[tuple[int, float]] = field(default_factory=list)
    lost: int = 0

    @property
    def count(self) -> int:
        return len(self.answered)

    def late(self, worker: int, killed: float) -> int:
        """How many answers a killed worker gave in its last second (and a little)."""
        return sum(1 for who, at in self.answered if who == worker and at > killed - 1.3)


def start(
    programs: Programs,
    port: int,
    preload: bool = True,
    recycled_after: int = 40,
    **environment: str,
) -> Program:
    (programs.folder / "application.py").write_text(APPLICATION)
    configuration = programs.folder / "configuration.py"
    configuration.write_text(
        CONFIGURATION.format(port=port, preload=preload, recycled_after=recycled_after)
    )
    command = [sys.executable, "-m", "gunicorn", "-c", str(configuration), "application"]
    return programs.run(command, **environment)


def has_answered(ledger: Ledger, count: float) -> bool:
    return ledger.count > count


def ask(port: int, ledger: Ledger, requests: int) -> None:
    for _ in range(requests):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/")
            ledger.answered.append((int(connection.getresponse().read()), time.monotonic()))
        except (OSError, http.client.HTTPException, ValueError):
            ledger.lost += 1
        finally:
            connection.close()


@contextmanager
def clients(port: int, ledger: Ledger, requests: int) -> Iterator[None]:
    threads = [threading.Thread(target=ask, args=(port, ledger, requests // 4)) for _ in range(4)]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join()


@contextmanager
def watched(address: object) -> Iterator[list[float]]:
    """Scrapes all the time: what a counter said must never be taken back."""
    seen: list[float] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            found = tasks(address)
            if found >= 0:
                seen.append(found)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()
    assert seen == sorted(seen)


def test_recycled_workers_under_load_add_up_to_what_the_clients_counted(
    registry: FakeRegistry, programs: Programs
) -> None:
    port, ledger = free_port(), Ledger()
    program = start(programs, port, PULSEGUARD_REGISTRY_URL=registry.url)
    address = program.said()["address"]

    with watched(address), clients(port, ledger, REQUESTS):
        pass
    wait_for_tasks(address, ledger.count)
    found = page(address)
    program.process.terminate()

    assert program.end() == 0
    assert ledger.lost == 0
    assert len({worker for worker, _ in ledger.answered}) > 4
    assert total(found, "pulseguard_tokens_total") == 10 * ledger.count
    assert total(found, "gen_ai_client_operation_duration_seconds_count") == ledger.count
    assert total(found, "pulseguard_tasks_in_progress") == 0
    assert len(registry.agents) == 1
    assert len(registry.goodbyes) == 1
    assert registry.contradictions == []
    assert registry.total("tasks_completed") == ledger.count
    assert registry.total("tokens_processed") == 10 * ledger.count


def test_a_killed_worker_loses_at_most_its_last_second(programs: Programs) -> None:
    port, ledger = free_port(), Ledger()
    program = start(programs, port)
    address = program.said()["address"]
    killed: dict[int, float] = {}

    with watched(address), clients(port, ledger, REQUESTS):
        for share in (0.2, 0.4, 0.6):
            wait_until(partial(has_answered, ledger, share * REQUESTS), 60)
            worker = ledger.answered[-1][0]
            killed[worker] = time.monotonic()
            os.kill(worker, signal.SIGKILL)
    lost = sum(ledger.late(worker, at) for worker, at in killed.items())
    time.sleep(1.5)  # whoever lives has handed in his numbers by now

    # An answer may have been lost on its way after it was counted.
    assert ledger.count - lost <= tasks(address) <= ledger.count + ledger.lost


def test_a_killed_master_is_succeeded_on_its_port_and_nothing_counts_twice(
    registry: FakeRegistry, programs: Programs
) -> None:
    port, ledger = free_port(), Ledger()
    program = start(programs, port, PULSEGUARD_REGISTRY_URL=registry.url)
    address = program.said()["address"]
    with clients(port, ledger, REQUESTS // 4):
        pass
    wait_for_tasks(address, ledger.count)

    with watched(address) as seen:
        os.kill(program.process.pid, signal.SIGKILL)
        before = len(seen)
        # The workers notice that they are orphans when they next wait for work, and then end.
        wait_until(lambda: len(seen) > before + 2 or registry.goodbyes, 15)
    wait_until(lambda: registry.goodbyes, 15)

    assert len(registry.agents) == 1
    assert registry.contradictions == []
    assert registry.total("tasks_completed") == ledger.count


@pytest.mark.parametrize("recycled_after", [0, 40])
def test_without_preload_workers_of_one_instance_are_one_agent(
    registry: FakeRegistry, programs: Programs, recycled_after: int
) -> None:
    port, ledger = free_port(), Ledger()
    program = start(
        programs,
        port,
        preload=False,
        recycled_after=recycled_after,
        PULSEGUARD_REGISTRY_URL=registry.url,
        PULSEGUARD_INSTANCE="web-1",
    )
    for _ in range(4):
        program.said()
    wait_until(lambda: programs.living() >= 3)
    ask_until(port, ledger, lambda: ledger.count >= 300)

    wait_until(lambda: registry.total("tasks_completed") == ledger.count)
    (known,) = registry.agents.values()
    assert registry.contradictions == []
    if not recycled_after:  # where all are replaced at once, /metrics begins anew
        wait_for_tasks(known["metrics_address"], ledger.count)


def ask_until(port: int, ledger: Ledger, enough: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not enough():
        assert time.monotonic() < deadline
        ask(port, ledger, 5)
