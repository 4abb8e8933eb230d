"""A descriptor that is kept open for what it locks or leads to."""

import os
from typing import Final

from pulseguard.waiter import identity


class Held:
    """A descriptor of this process' own, until `close` or the process' death.

    A daemon closes all that it inherited, and opens files of its own under the same numbers: those
    are spared.
    """

    def __init__(self, descriptor: int) -> None:
        self.number: Final = descriptor
        self._identity = identity(descriptor)
        self._is_closed = False

    def is_whole(self) -> bool:
        """Whether it is open still, and nobody else's by now."""
        try:
            return not self._is_closed and identity(self.number) == self._identity
        except OSError:
            return False

    def close(self) -> None:
        """Let go of it; harmless when repeated."""
        if self.is_whole():
            os.close(self.number)
        self._is_closed = True
