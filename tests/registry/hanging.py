"""`pulseguard registry` that hangs at a signal, and has a watchdog that does not wait long."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence

from pulseguard_registry import command, own_answer
from tests.forked_program import Forks, forks_of
from tests.registry.process import RegistryProcess

HANG = signal.SIGUSR1
# Of a registry that answers nothing: as many looks as it takes, each as long as it waits.
PATIENCE_SECONDS = 2.0


def hang_in_the_loop(*_: object) -> None:
    """A signal is served by the thread of the loop, which does nothing else meanwhile."""
    time.sleep(1000)


def main(arguments: Sequence[str]) -> int:
    """As the one of the registry."""
    own_answer.LOOK_SECONDS = 0.05  # type: ignore[misc]  # Final, to everybody else
    own_answer.ANSWER_SECONDS = 0.5  # type: ignore[misc]
    own_answer.LOOKS = 4  # type: ignore[misc]
    signal.signal(HANG, hang_in_the_loop)
    return command.main(arguments)


class HangingRegistry(RegistryProcess):
    """One that can be made to hang."""

    def forks(self) -> Forks:
        """Those of this module."""
        return forks_of("tests.registry.hanging", "pulseguard_registry.app", strict=False)
