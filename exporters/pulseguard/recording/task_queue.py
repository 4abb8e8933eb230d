"""The tasks that wait for the agent: told by it, or asked for when somebody wants to know."""

import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from pulseguard.catalog import OLDEST_PENDING_TASK_AGE, TASKS_PENDING
from pulseguard.errors import RefusedValue
from pulseguard.guard import Guard
from pulseguard.recording.series import Readings
from pulseguard.recording.values import amount, whole

# How long a scrape waits for somebody else's function, and how old an answer may be.
PATIENCE_SECONDS: Final = 0.25
OLDEST_ANSWER_SECONDS: Final = 60.0

_OPERATION: Final = "read the task queue"

Ask: TypeAlias = Callable[[], int | tuple[int, float | None]]


class Pending(NamedTuple):
    """What is known of the queue; None is unknown."""

    tasks: int | None = None
    oldest_age_seconds: float | None = None

    def readings(self) -> Readings:
        """As gauges; what is unknown is absent."""
        pairs = ((TASKS_PENDING, self.tasks), (OLDEST_PENDING_TASK_AGE, self.oldest_age_seconds))
        return {metric.name: [((), value)] for metric, value in pairs if value is not None}


def checked_pending(tasks: object, oldest_age_seconds: object = None) -> Pending:
    """What somebody said of the queue, checked; RefusedValue where that cannot be."""
    age = None if oldest_age_seconds is None else amount("oldest_age_seconds", oldest_age_seconds)
    return Pending(None if tasks is None else whole("pending", tasks), age)


class TaskQueue:
    """The agent's queue. Safe from any thread."""

    def __init__(self) -> None:
        self._told = Pending()
        self._watched: WatchedQueue | None = None

    def tell(self, told: Pending) -> None:
        """This holds until something else is told."""
        self._told = told

    def watch(self, ask: Ask | None, guard: Guard) -> None:
        """From now on ask this function, and go by what was told no longer; None: as before."""
        if ask is not None and not callable(ask):
            raise RefusedValue("read", ask, "give a function that returns the number of tasks")
        self._watched = None if ask is None else WatchedQueue(ask, guard)

    def read(self) -> Pending:
        """What is known now, in at most a quarter of a second."""
        watched = self._watched
        return self._told if watched is None else watched.read()


class WatchedQueue:
    """Asks a function that is not ours, in a thread of its own: it may hang, or raise anything."""

    def __init__(self, ask: Ask, guard: Guard, clock: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._guard = guard
        self._clock = clock
        self._asking: threading.Thread | None = None
        self._answer = Pending()
        self._answered_at = 0.0

    def read(self) -> Pending:
        """A fresh answer where it comes at once, else the last one unless it is a minute old.

        Unknown after an error, which is counted.
        """
        asking = self._guard.attempt(_OPERATION, None, self._begin)
        if asking is not None:
            asking.join(PATIENCE_SECONDS)
        if self._clock() - self._answered_at > OLDEST_ANSWER_SECONDS:
            return Pending()
        return self._answer

    def _begin(self) -> threading.Thread | None:
        """Ask, unless it is still busy with the last question."""
        if self._asking is not None and self._asking.is_alive():
            return None
        name = "pulseguard-task-queue"
        self._asking = threading.Thread(target=self._run, name=name, daemon=True)
        self._asking.start()
        return self._asking

    def _run(self) -> None:
        self._answer = self._guard.attempt(_OPERATION, Pending(), self._asked)
        self._answered_at = self._clock()

    def _asked(self) -> Pending:
        answer: object = self._ask()
        return checked_pending(*(answer if isinstance(answer, tuple) else (answer,)))
