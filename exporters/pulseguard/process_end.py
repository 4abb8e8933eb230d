"""The end of the process: running agents say goodbye on a normal exit and on SIGTERM.

Exit handlers and signal dispositions belong to the process, so this is the one module with state
of its own.
"""

import _thread
import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Final, Protocol

SECONDS_TO_END: Final = 2.0

# Of the finalizers of multiprocessing; its children are joined before these.
_AFTER_ALL_ELSE: Final = -100


class Running(Protocol):
    """Whatever has to be stopped before the process ends; `stop` raises nothing."""

    def stop(self, timeout_seconds: float = SECONDS_TO_END) -> None: ...


_running: list[Running] = []
# The process that was told to terminate: a child forked by it meanwhile was not.
_terminating = 0
_exit_handler_set = False


def stop_at_end(running: Running) -> None:
    """Have it stopped when the process ends.

    SIGTERM is taken only where nobody else did: from the main thread, and while its disposition is
    the default.
    """
    global _exit_handler_set
    if not _exit_handler_set:
        atexit.register(_on_exit)
        _exit_handler_set = True
    if running not in _running:
        _running.append(running)
    end_with_multiprocessing()
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _on_sigterm)


def end_with_multiprocessing() -> None:
    """Its children end by os._exit, after finalizers; where it is in use, be one of these."""
    if "multiprocessing.util" in sys.modules:
        from multiprocessing import util

        # A child forgets the finalizers that it inherits, and then calls what was registered.
        util.register_after_fork(_stop_all, _stop_with_multiprocessing)
        _stop_with_multiprocessing(_stop_all)


def _stop_with_multiprocessing(stop: Callable[[], None]) -> None:
    from multiprocessing import process, util

    if process.parent_process() is not None:
        util.Finalize(None, stop, exitpriority=_AFTER_ALL_ELSE)


def stopped(running: Running) -> None:
    """It ended by itself; with the last one the default disposition returns."""
    if running in _running:
        _running.remove(running)
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread and not _running and signal.getsignal(signal.SIGTERM) is _on_sigterm:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _on_exit() -> None:
    _stop_all()
    if _terminating == os.getpid():
        _end_by_sigterm()


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    global _terminating
    _terminating = os.getpid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # threading.Thread takes locks that the interrupted main thread may hold; this takes none.
    _thread.start_new_thread(_stop_and_end, ())


def _stop_and_end() -> None:
    _stop_all()
    _end_by_sigterm()


def _stop_all() -> None:
    deadline = time.monotonic() + SECONDS_TO_END
    waiting = list(_running)
    for number, running in enumerate(waiting):
        left = max(deadline - time.monotonic(), 0)
        running.stop(left / (len(waiting) - number))


def _end_by_sigterm() -> None:
    """End as if nobody had looked after the signal: whoever waits for us sees the same status."""
    os.kill(os.getpid(), signal.SIGTERM)
