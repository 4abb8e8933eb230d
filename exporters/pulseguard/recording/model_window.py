"""How much of a model's context window its calls use."""

from typing import Final

from pulseguard.catalog import CONTEXT_WINDOW_LIMIT, CONTEXT_WINDOW_USED
from pulseguard.recording.series import BoundHistogram, BoundNumber, Series

# More calls than an agent makes between two scrapes, as a rule; of the rest only the last waits.
_MOST_WAITING: Final = 1000


class ModelWindow:
    """The window of one model: as a call states it, else as it is looked up.

    Looking up takes longer than a call may wait: calls until then are remembered, and counted when
    the size is known. Every method wants the lock of the series held.
    """

    __slots__ = ("_limit", "_size", "_used", "_waiting")

    def __init__(self, series: Series, model: str) -> None:
        self._limit = BoundNumber(series, CONTEXT_WINDOW_LIMIT, model)
        self._used = BoundHistogram(series, CONTEXT_WINDOW_USED, model)
        self._size: int | None = None
        self._waiting: list[int] | None = []

    @property
    def is_looked_up(self) -> bool:
        """Whether it is known what can be known of it."""
        return self._waiting is None

    def add(self, tokens: int | None, stated: int | None) -> None:
        """A call that had so many tokens in its context, of a window as stated; None is unknown."""
        size = stated or self._size
        if size:
            (self._limit.found or self._limit.look_up()).value = size
            if tokens is not None:
                (self._used.found or self._used.look_up()).observe(tokens / size)
        elif tokens is not None and (waiting := self._waiting) is not None:
            del waiting[_MOST_WAITING - 1 :]
            waiting.append(tokens)

    def learn(self, size: int | None) -> None:
        """It has been looked up: this is its size, None where nobody knows."""
        waiting, self._waiting, self._size = self._waiting, None, size
        for tokens in waiting or ():
            self.add(tokens, None)

    def forget(self) -> None:
        """What waits is in somebody else's hands."""
        if self._waiting:
            self._waiting = []
