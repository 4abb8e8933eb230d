"""Which worker runs which test files: those that wait, beside those that compute."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

# These start servers and mostly wait for them; the longest first.
WAITING = (
    "tests/second_week/",
    "tests/end_to_end/",
    "tests/readme/",
    "tests/stack/runner/",
    "tests/stack/demo/",
    "tests/stack/status/test_whole_way.py",
    "tests/exporters/test_doctor.py",
    "tests/registry/test_database_trouble.py",
    "tests/registry/test_discovery_faults.py",
    "tests/registry/test_serving.py",
    "tests/registry/test_silences.py",
    "tests/prometheus/",
)
_WAITERS = 3


class TwoQueues(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Three workers begin with the files that wait, the others with the rest; all end together.

    In one queue, all workers would wait at first, beside idle cores, and all compute afterwards.
    """

    def _assign_work_unit(self, node: WorkerController) -> None:
        is_waiter = node in self.nodes[:_WAITERS]
        files = sorted(self.workqueue, key=_place, reverse=not is_waiter)
        self.workqueue.move_to_end(files[0], last=False)
        super()._assign_work_unit(node)


def _place(file: str) -> int:
    """Its place among those that wait; behind all of these: it computes."""
    waits = (place for place, start in enumerate(WAITING) if file.startswith(start))
    return next(waits, len(WAITING))
