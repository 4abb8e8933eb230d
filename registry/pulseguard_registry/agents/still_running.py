"""Retired agents whose process runs on: refused, it asks again and again, and that is heard."""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

# An agent of which nobody wants to hear asks again within a heartbeat, 10 s.
HEARD_SECONDS: Final = 60.0
REMEMBERED: Final = 10_000


class StillRunning:
    """The retired agents that this registry has refused within a minute.

    Kept in memory: after a restart they are heard anew within seconds. Whether they are retired
    still is the database's to say. Of more than 10,000 those are forgotten that came last the
    longest ago.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # Ordered by when they were heard last.
        self._heard: OrderedDict[uuid.UUID, float] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, agent_id: uuid.UUID) -> None:
        """This agent, which is retired, was heard now."""
        with self._lock:
            self._heard[agent_id] = self._clock()
            self._heard.move_to_end(agent_id)
            if len(self._heard) > REMEMBERED:
                self._heard.popitem(last=False)

    def forget(self, agent_id: uuid.UUID) -> None:
        """This one is retired no more: what was heard tells nothing of it once it is again."""
        with self._lock:
            self._heard.pop(agent_id, None)

    def was_heard(self, agent_id: uuid.UUID) -> bool:
        """Whether this one was, within a minute."""
        return agent_id in self.heard()

    def heard(self) -> list[uuid.UUID]:
        """All that were, within a minute."""
        long_ago = self._clock() - HEARD_SECONDS
        with self._lock:
            while self._heard and next(iter(self._heard.values())) < long_ago:
                self._heard.popitem(last=False)
            return list(self._heard)
