"""Trouble that goes on is told once when it starts and once when it ends."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pulseguard_prometheus.errors import Trouble

log = logging.getLogger(__name__)


class Troubles:
    """One thing that can be in trouble, as a half sentence for each end of it."""

    def __init__(
        self, *, starts: str, ends: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._starts = starts
        self._ends = ends
        self._clock = clock
        self._since = 0.0
        self.cause: str | None = None

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Runs one attempt; Trouble ends it and goes no further."""
        try:
            yield
        except Trouble as trouble:
            self._begin(trouble)
        else:
            self._end()

    def _begin(self, trouble: Trouble) -> None:
        if self.cause is None:
            self._since = self._clock()
        if trouble.cause != self.cause:
            log.warning("%s: %s", self._starts, trouble)
        self.cause = trouble.cause

    def _end(self) -> None:
        if self.cause is not None:
            log.info("%s, after %.0f s", self._ends, self._clock() - self._since)
        self.cause = None
