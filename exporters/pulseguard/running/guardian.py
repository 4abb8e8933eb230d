"""A process that outlives `pulseguard run` when that is killed, to have the program end with it."""

import os
import signal
import sys
from collections.abc import Iterable
from typing import NoReturn


def guard(process: int, unwanted: Iterable[int]) -> int | None:
    """Send SIGTERM to the program once this process has ended before it.

    Returns what has to stay open as long as that is not so; None where a system cannot do it.
    `unwanted` are descriptors that the guardian must not keep open. Not by PR_SET_PDEATHSIG, which
    comes once for each thread of ours, and to many programs a second SIGTERM means: at once.
    """
    if sys.platform != "linux":
        return None
    try:
        # Not the number: by then another process may have it.
        program = os.pidfd_open(process)
    except OSError:
        return None
    end, held = os.pipe()
    if not os.fork():
        _wait_and_end(program, end, (*unwanted, held))
    os.close(program)
    os.close(end)
    return held


def _wait_and_end(program: int, end: int, unwanted: Iterable[int]) -> NoReturn:
    try:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        for descriptor in (*unwanted, *range(3)):
            os.close(descriptor)
        os.read(end, 1)
        if sys.platform == "linux":
            signal.pidfd_send_signal(program, signal.SIGTERM)
    except OSError:
        pass  # it has ended
    finally:
        os._exit(0)
