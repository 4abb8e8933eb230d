"""Ends a process that goes on running and does not do its work any more.

Docker and `make up` start again what has ended, and never what merely hangs.
"""

import faulthandler
import logging
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final, NoReturn

# The status of a process that was ended here: what `_exit` gets as the handler of this signal.
HUNG: Final = int(signal.SIGVTALRM)
LAST_WORDS_SECONDS: Final = 10.0
# Of the processor's time: however much there is to do, a look has its turn long before.
LOOKLESS_SECONDS: Final = 60.0
_STDERR: Final = 2

log = logging.getLogger(__name__)


class Watched:
    """Something that is to go on. It hangs when it was seen not to so many times in a row.

    Looks are counted, not time: a process that was stopped, or slept with its machine, has as many
    left as before. `hanging` says in words what it is that hangs.
    """

    def __init__(self, hanging: str, goes_on: Callable[[], bool], *, looks: int) -> None:
        self.hanging = hanging
        self.looks = looks
        self.since = _now()
        self._goes_on = goes_on
        self._failed = 0

    def hangs(self) -> bool:
        """Looks once."""
        if self._goes_on():
            self._failed, self.since = 0, _now()
        else:
            self._failed += 1
        return self._failed >= self.looks


class Watchdog:
    """Looks after all that is watched every `period_seconds`, in a daemon thread of its own.

    Where something hangs it ends the process with the status HUNG, and writes the stacks of all
    threads and a line of log before that; one that is not armed ends nothing. As long as nothing
    hangs it says so after each look by `all_is_well`.
    """

    def __init__(
        self,
        watched: Sequence[Watched],
        *,
        period_seconds: float,
        is_armed: bool = True,
        all_is_well: Callable[[], None] = lambda: None,
        lookless_seconds: float = LOOKLESS_SECONDS,
    ) -> None:
        self._watched = watched
        self._period_seconds = period_seconds
        self._is_armed = is_armed
        self._all_is_well = all_is_well
        self._lookless_seconds = lookless_seconds
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Looks for the first time after a period."""
        if self._is_armed:
            _end_at_processor_alarm()
        self._thread.start()

    def stop(self) -> None:
        """Looks no more; one look may still be under way, of which nothing comes."""
        self._is_stopped.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _run(self) -> None:
        pause = self._period_seconds
        while not self._is_stopped.wait(pause):
            started = time.monotonic()
            self._set_processor_alarm(self._lookless_seconds)
            # All of them, also after one that hangs: each has its own row of looks.
            hanging = [each for each in self._watched if each.hangs()]
            if self._is_stopped.is_set():
                break
            if not hanging:
                self._all_is_well()
            elif self._is_armed:
                _end_process(hanging[0])
            pause = max(0.0, self._period_seconds - (time.monotonic() - started))
        self._set_processor_alarm(0.0)

    def _set_processor_alarm(self, seconds: float) -> None:
        """For what keeps this thread too from running: code that never lets go of the interpreter,
        as a regular expression may be. It burns processor time, and a stopped process does not."""
        if self._is_armed:
            signal.setitimer(signal.ITIMER_VIRTUAL, seconds)


def looks_in(seconds: float, period_seconds: float) -> int:
    """How many looks of this period take at least as long."""
    return math.ceil(seconds / period_seconds) + 1


def _end_at_processor_alarm() -> None:
    """Has the alarm write the stacks and end the process without any Python, which cannot run."""
    # Some builds of Python lack it; then the default of the signal ends the process, if it is not
    # the first one of a container.
    with suppress(ImportError, OSError):
        import ctypes

        libc = ctypes.CDLL(None)
        libc.signal.argtypes = (ctypes.c_int, ctypes.c_void_p)
        libc.signal.restype = ctypes.c_void_p
        libc.signal(signal.SIGVTALRM, ctypes.cast(libc._exit, ctypes.c_void_p))
    faulthandler.register(signal.SIGVTALRM, file=_STDERR, chain=True)


def _end_process(hanging: Watched) -> NoReturn:
    try:
        # In a thread, for what hangs may hold what it takes to speak, such as a lock of the log or
        # a pipe that nobody reads.
        speaking = threading.Thread(target=_say_last_words, args=[hanging], daemon=True)
        speaking.start()
        speaking.join(LAST_WORDS_SECONDS)
    finally:
        os._exit(HUNG)


def _say_last_words(hanging: Watched) -> None:
    # One that is just being started has no number yet.
    names = ", ".join(f"0x{each.ident or 0:016x} {each.name}" for each in threading.enumerate())
    with suppress(OSError):
        os.write(_STDERR, f"The stacks of all threads, which are {names}:\n".encode())
    # Before the line: it needs no lock, and the line is what a log ends with.
    faulthandler.dump_traceback(file=_STDERR)
    log.critical(
        "%s since %s (failed looks in a row: %d): the watchdog ends this process with status %d,"
        " for whoever runs it to start it again; the stacks of its threads are above",
        hanging.hanging,
        hanging.since,
        hanging.looks,
        HUNG,
    )
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
