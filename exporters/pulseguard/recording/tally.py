"""What one invocation of a logical agent has called so far."""

from contextvars import ContextVar
from typing import Final


class Tally:
    """Counts of one invocation. To be changed with the lock of the series held."""

    __slots__ = ("inference_calls", "tool_calls")

    def __init__(self) -> None:
        self.inference_calls = 0
        self.tool_calls = 0


# The innermost invocation around this code.
OPEN_TALLY: Final[ContextVar[Tally | None]] = ContextVar("pulseguard_open_tally", default=None)
