"""The end of the process: running agents say goodbye on a normal exit and on SIGTERM.

Not so where an exception ended it that nobody caught: such an agent is to be missed.

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
from contextlib import suppress
from types import FrameType
from typing import Final, Protocol

from pulseguard.ending import seconds_until
from pulseguard.unseen import tell_of_unseen

SECONDS_TO_END: Final = 2.0

# Of the finalizers of multiprocessing; its children are joined before these.
_AFTER_ALL_ELSE: Final = -100


class Running(Protocol):
    """Whatever has to be stopped before the process ends; neither method raises anything."""

    def stop(self, timeout_seconds: float = SECONDS_TO_END) -> None: ...
    def _fail(self, timeout_seconds: float) -> None: ...


_running: list[Running] = []
# The process that was told to terminate: a child forked by it meanwhile was not.
_terminating = 0
_exit_handler_set = False
_ends_with_multiprocessing = False


def stop_at_end(running: Running) -> None:
    """Have it stopped when the process ends; by SIGTERM too, where that can be taken here."""
    global _exit_handler_set
    if not _exit_handler_set:
        atexit.register(_on_exit)
        _exit_handler_set = True
    if running not in _running:
        _running.append(running)
    end_with_multiprocessing()
    take_sigterm()


def take_sigterm() -> None:
    """Have SIGTERM stop what runs, where it still has its default; only the main thread can."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread and not is_sigterm_taken():
        signal.signal(signal.SIGTERM, _on_sigterm)


def is_sigterm_taken() -> bool:
    """Whether SIGTERM does more than end the process there and then."""
    return signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL


def end_with_multiprocessing() -> None:
    """Its children end by os._exit, after finalizers; where it is in use, be one of these."""
    global _ends_with_multiprocessing
    if _ends_with_multiprocessing or "multiprocessing.util" not in sys.modules:
        return
    from multiprocessing import util

    # A child forgets the finalizers that it inherits, and then calls what was registered; so do
    # its own children.
    _ends_with_multiprocessing = True
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
    _stop_all(failed=_has_crashed())
    _keep_interrupt()
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
    tell_of_unseen()
    _end_by_sigterm()


def _stop_all(failed: bool = False) -> None:
    deadline = time.monotonic() + SECONDS_TO_END
    waiting = list(_running)
    for number, running in enumerate(waiting):
        left = seconds_until(deadline)
        end = running._fail if failed else running.stop
        end(left / (len(waiting) - number))


def _has_crashed() -> bool:
    """Whether the program has ended by an exception that nobody caught.

    SystemExit, KeyboardInterrupt and being cancelled are ends that somebody asked for.
    """
    return issubclass(type(_uncaught("__main__", "runpy")), Exception)  # runpy: `python -m`


def _keep_interrupt() -> None:
    """Have a program that Ctrl-C ended be seen as such by whoever started it.

    Python ends itself by SIGINT then, but forgets to where any thread evaluates a string on the
    way out, as importing a named tuple does (`run_eval_code_obj` in CPython's pythonrun.c).
    Evaluating one that is interrupted reminds it.
    """
    if type(_uncaught("__main__")) is KeyboardInterrupt:
        with suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")


def _uncaught(*outermost: str) -> BaseException | None:
    """The exception that left the outermost frame, if that is in one of these modules.

    Python keeps the last one that it printed. So does whoever prints one and goes on: consoles,
    test runners, servers. But what those print has not left the outermost frame of the program.
    """
    if hasattr(sys, "ps1") or sys.flags.interactive:
        return None
    error = getattr(sys, "last_exc", None)  # from Python 3.12 on
    error = getattr(sys, "last_value", None) if error is None else error
    traceback = getattr(sys, "last_traceback", None)
    if traceback is None or traceback.tb_frame.f_back is not None:
        return None
    is_outermost = traceback.tb_frame.f_globals.get("__name__") in outermost
    return error if is_outermost else None


def _end_by_sigterm() -> None:
    """End as if nobody had looked after the signal: whoever waits for us sees the same status."""
    os.kill(os.getpid(), signal.SIGTERM)
