"""How much the contexts of a model's calls held, kept so that sums over processes stay true.

How large the model's window is, is looked up by whoever shows the numbers: calls do not wait for
that, and of several processes only one has to know.
"""

import math
from collections import Counter
from collections.abc import Mapping
from typing import Final

from pulseguard.catalog import LABEL_MODEL, LABEL_PROVIDER, Metric

# Goes from process to process as a counter does, and is never on the page.
CONTEXTS: Final = Metric(
    "contexts", "counter", "Calls by size of context.", (LABEL_PROVIDER, LABEL_MODEL, "size")
)
# In the place of a size: the tokens of all calls.
ALL_TOKENS: Final = "all"

# So many calls wait to be counted by size, at most.
MOST_WAITING: Final = 1000
# Between a power of two and the next; a size is off by less than 1 %.
_STEPS: Final = 64


class Contexts:
    """Of one model. Every method wants the lock of the series held."""

    __slots__ = ("_calls", "_tokens", "waiting")

    def __init__(self) -> None:
        # Contexts of calls, in tokens; put here by hand, since every call pays for it.
        self.waiting: list[int] = []
        self._calls: Counter[int] = Counter()
        self._tokens = 0

    def settle(self) -> None:
        """Count what waits."""
        waiting, self.waiting = self.waiting, []
        self._calls.update(map(_step, waiting))
        self._tokens += sum(waiting)

    def read(self) -> Mapping[str, int]:
        """The calls by size (`tokens_of`), and the tokens of all."""
        self.settle()
        if not self._calls:
            return {}
        return {ALL_TOKENS: self._tokens} | {str(step): n for step, n in self._calls.items()}

    def forget(self) -> None:
        """Begin at zero."""
        self.waiting = []
        self._calls.clear()
        self._tokens = 0


def tokens_of(size: str) -> float:
    """The middle of a size, in tokens."""
    power, step = divmod(int(size), _STEPS)
    return math.ldexp(0.5 + (step + 0.5) / (2 * _STEPS), power)


def _step(tokens: int) -> int:
    share, power = math.frexp(tokens)
    return power * _STEPS + int((share - 0.5) * 2 * _STEPS) if tokens else 0
