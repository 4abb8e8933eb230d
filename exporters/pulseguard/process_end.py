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
from weakref import WeakSet

from pulseguard import early_signals
from pulseguard.ending import seconds_until
from pulseguard.unseen import tell_of_unseen

SECONDS_TO_END: Final = 2.0

# Of these, for the process to be gone once its time is over.
_SECONDS_TO_BE_GONE: Final = 0.1
# For the main thread to run the handler; longer where native code keeps it from that.
_SECONDS_FOR_THE_HANDLER: Final = 0.05
# Of the finalizers of multiprocessing; its children are joined before these.
_AFTER_ALL_ELSE: Final = -100


class Running(Protocol):
    """Whatever has to be stopped before the process ends; neither method raises anything."""

    def stop(self, timeout_seconds: float = SECONDS_TO_END) -> None: ...
    def _fail(self, timeout_seconds: float) -> None: ...


_running: list[Running] = []
# Made or started in the main thread and not stopped since: any thread may start them.
_relying: WeakSet[Running] = WeakSet()
# The process that was told to terminate: a child forked by it meanwhile was not.
_terminating = 0
# Who does the work of a SIGTERM, by process.
_workers: dict[int, object] = {}
_exit_handler_set = False
_ends_with_multiprocessing = False


def stop_at_end(running: Running) -> None:
    """Have it stopped when the process ends."""
    _be_told_of_exit()
    if running not in _running:
        _running.append(running)
    end_with_multiprocessing()


def take_sigterm(relying: Running) -> None:
    """Have SIGTERM stop what runs, where it still has its default; only the main thread can."""
    if threading.current_thread() is not threading.main_thread():
        return
    _relying.add(relying)
    if not is_sigterm_taken():
        _be_told_of_exit()
        signal.signal(signal.SIGTERM, _on_sigterm)
    if _is_sigterm_ours():
        early_signals.listen(signal.SIGTERM, _on_early_sigterm)


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
    """It ended by itself; with the last one that needs it the default disposition returns."""
    if running in _running:
        _running.remove(running)
    _relying.discard(running)
    if not _running and not _relying:
        _give_sigterm_back()


def _give_sigterm_back() -> None:
    if threading.current_thread() is threading.main_thread() and _is_sigterm_ours():
        early_signals.hush()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _is_sigterm_ours() -> bool:
    return signal.getsignal(signal.SIGTERM) is _on_sigterm


def _be_told_of_exit() -> None:
    global _exit_handler_set
    if not _exit_handler_set:
        atexit.register(_on_exit)
        _exit_handler_set = True


def _on_exit() -> None:
    _stop_all(failed=_has_crashed())
    _keep_interrupt()
    # From here on nobody would do what the handler begins.
    _give_sigterm_back()
    if _terminating == os.getpid():
        tell_of_unseen()
        _end_by_sigterm()


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    global _terminating
    _terminating = os.getpid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if _is_first():
        # threading.Thread takes locks that the interrupted main thread may hold; this takes none.
        _thread.start_new_thread(_stop_and_end, (SECONDS_TO_END,))


def _on_early_sigterm() -> None:
    """A thread of the agent's, which is to be stopped itself, has heard of a SIGTERM."""
    if _is_sigterm_ours():
        _thread.start_new_thread(_stand_in_for_the_handler, ())


def _stand_in_for_the_handler() -> None:
    time.sleep(_SECONDS_FOR_THE_HANDLER)
    if _is_sigterm_ours() and _is_first():
        _stop_and_end(SECONDS_TO_END - _SECONDS_FOR_THE_HANDLER)


def _is_first() -> bool:
    """Whether nobody else in this process does the work of a SIGTERM; a step without a lock."""
    own = object()
    return _workers.setdefault(os.getpid(), own) is own


def _stop_and_end(seconds: float) -> None:
    seconds -= _SECONDS_TO_BE_GONE
    _thread.start_new_thread(_end_after, (seconds,))
    _stop_all(seconds=seconds)
    tell_of_unseen()
    _end_by_sigterm()


def _end_after(seconds: float) -> None:
    """Whatever keeps the stop: the main thread may hold the lock of a log handler."""
    time.sleep(seconds)
    _end_by_sigterm()


def _stop_all(failed: bool = False, seconds: float = SECONDS_TO_END) -> None:
    deadline = time.monotonic() + seconds
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
    is_left = _is_sigterm_ours()
    if is_left:
        _restore_sigterm()
    os.kill(os.getpid(), signal.SIGTERM)
    if is_left:
        # As a shell would tell it: what we did in vain, or for the first process of a container.
        os._exit(128 + signal.SIGTERM)


def _restore_sigterm() -> None:
    """What the signal does by default, where the main thread has not come to restore it."""
    # Not suppress(ImportError): what keeps a Python from calling C is of many kinds.
    with suppress(Exception):
        # Here: nobody else needs it.
        import ctypes

        ctypes.pythonapi.PyOS_setsig(signal.SIGTERM, None)
