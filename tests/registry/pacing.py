"""Calls at a steady pace, however long each takes to be answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

# More than can be waiting for an answer at once.
_MOST_AT_ONCE = 32


@contextmanager
def paced(call: Callable[[], object], per_second: float) -> Iterator[None]:
    """Call so often, each beside the others, and fail at the end where a call has failed, or where
    fewer were made than the pace gives."""
    over, began = threading.Event(), time.monotonic()
    made: list[float] = []
    due: list[Future[object]] = []

    def noted() -> object:
        made.append(time.monotonic())
        return call()

    def run() -> None:
        while not over.wait(max(began + len(due) / per_second - time.monotonic(), 0)):
            due.append(pool.submit(noted))

    with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
        pacer = threading.Thread(target=run)
        pacer.start()
        try:
            yield
        finally:
            ended = time.monotonic()
            over.set()
            pacer.join()
    for one in due:
        one.result()
    # The one that is due at the very end may not have been.
    assert sum(at <= ended for at in made) >= int((ended - began) * per_second)
