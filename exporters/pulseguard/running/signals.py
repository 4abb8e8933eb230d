"""The signals that reach `pulseguard run`: received one by one, with who sent them."""

import os
import resource
import signal
import time
from collections.abc import Callable
from typing import Final, NamedTuple

_ENDING: Final = frozenset({signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM})
_PASSED_ON: Final = _ENDING | {
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGWINCH,
    signal.SIGCONT,
    signal.SIGTSTP,
}
# sigaction(2): sent by the kernel, as a terminal does, and then to the whole process group.
_SI_KERNEL: Final = 0x80
# A program may take SIGINT or SIGHUP for something else than its end: later it is not why it ended.
_SECONDS_TO_END: Final = 30.0


class Received(NamedTuple):
    """One signal; `sender` is 0 where the kernel sent it, or somebody of another container."""

    number: int
    from_kernel: bool
    sender: int


class Reception:
    """Takes in every signal from now on; `mask` is what was blocked before."""

    def __init__(self) -> None:
        # What nohup and shells have had ignored stays so, in the program too.
        realtime = range(signal.SIGRTMIN, signal.SIGRTMAX + 1)
        heeded = {
            each
            for each in (*_PASSED_ON, *realtime)
            if signal.getsignal(each) is not signal.SIG_IGN
        }
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._numbers = {*heeded, signal.SIGCHLD}
        self.mask = signal.pthread_sigmask(signal.SIG_BLOCK, self._numbers)
        self._asked_by: int | None = None
        self._asked_at = 0.0

    def wait(self, timeout_seconds: float) -> Received | None:
        """The next signal; None when none came in time."""
        found = signal.sigtimedwait(self._numbers, timeout_seconds)
        if found is None:
            return None
        return Received(found.si_signo, found.si_code == _SI_KERNEL, found.si_pid)

    def is_for_program(self, received: Received, is_within: Callable[[int], bool]) -> bool:
        """Whether to pass it on: not what the program's process group gets by itself.

        `is_within` tells whether a process is the program, or one that it started: they send to
        their whole group, and mean to.
        """
        if received.number == signal.SIGCHLD:
            return False
        if received.from_kernel:
            # A terminal that hangs up tells the leader of the session alone.
            is_meant = received.number == signal.SIGHUP and os.getsid(0) == os.getpid()
        else:
            is_meant = received.number == signal.SIGCONT or not is_within(received.sender)
        if (is_meant or received.from_kernel) and received.number in _ENDING:
            self._asked_by, self._asked_at = received.number, time.monotonic()
        return is_meant

    def explains(self, status: int) -> bool:
        """Whether a program that ends with this wait status was asked to end."""
        if self._asked_by is None:
            return False
        by_it = os.WIFSIGNALED(status) and os.WTERMSIG(status) == self._asked_by
        lately = time.monotonic() - self._asked_at <= _SECONDS_TO_END
        return by_it or lately or self._asked_by == signal.SIGTERM


def end_alike(status: int) -> int:
    """The exit status for this wait status; or the same end, where a signal was the end."""
    if not os.WIFSIGNALED(status):
        return os.WEXITSTATUS(status)
    number = os.WTERMSIG(status)
    # The core is the program's, and has been written.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    # Only the first process of a container comes here: such signals do not end it.
    return 128 + number
