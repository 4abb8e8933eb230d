"""Which worker is given which test files, and that those which wait are still called so."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from tests.worker_queues import WAITING, TwoQueues

REPOSITORY = Path(__file__).parents[1]
COMPUTING = [f"tests/registry/test_{number}.py::test" for number in range(10)]
# As collected: in no order that helps.
COLLECTED = [*COMPUTING[:5], *(f"{start}::test" for start in reversed(WAITING)), *COMPUTING[5:]]


class Worker:
    """What sharing out needs of a worker; it notes what it was given."""

    shutting_down = False

    def __init__(self, name: str) -> None:
        self.gateway = SimpleNamespace(id=name)
        self.given: list[int] = []

    def send_runtest_some(self, indices: list[int]) -> None:
        self.given += indices

    def shutdown(self) -> None:
        self.shutting_down = True

    @property
    def tests(self) -> list[str]:
        return [COLLECTED[index] for index in self.given]


def shared_out(workers: list[Worker]) -> TwoQueues:
    """What was collected, shared out between so many."""
    option = SimpleNamespace(loadscopereorder=False)
    tx = {"tx": ["popen"] * len(workers)}
    queues = TwoQueues(SimpleNamespace(getvalue=tx.get, option=option))
    for worker in workers:
        queues.add_node(worker)
        queues.add_node_collection(worker, COLLECTED)
    queues.schedule()
    return queues


def test_three_workers_begin_with_what_waits_the_longest_first_and_the_fourth_computes() -> None:
    workers = [Worker(name) for name in ("one", "two", "three", "four")]

    shared_out(workers)

    longest = [f"{start}::test" for start in WAITING[:6]]
    waiting = [longest[::3], longest[1::3], longest[2::3]]
    assert [worker.tests for worker in workers] == [*waiting, COMPUTING[:2]]


def test_all_tests_are_given_once_whoever_is_faster() -> None:
    workers = slow, *quick = [Worker(name) for name in ("one", "two", "three")]
    queues = shared_out(workers)

    for worker in (*quick, slow):
        for index in worker.given:
            queues.mark_test_complete(worker, index)

    assert sorted(test for worker in workers for test in worker.tests) == sorted(COLLECTED)
    assert len(slow.given) == 2


def test_what_is_called_waiting_is_there() -> None:
    assert [start for start in WAITING if not (REPOSITORY / start).exists()] == []
