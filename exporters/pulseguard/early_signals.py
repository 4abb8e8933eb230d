"""Signals as they come, while native code keeps the main thread from running its handlers.

The C part of Python's handlers writes each signal's number to one descriptor at once
(`signal.set_wakeup_fd`). It belongs to the process, so this module has state of its own.

Whoever has a thread that waits for something anyhow has a tap as well. Only where nobody has is
there a thread for it, an ear.
"""

import importlib.util
import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple
from weakref import WeakSet

from pulseguard.ear import Ear
from pulseguard.waiter import identity

# Of a message's sender: process, user, group (struct ucred).
_CREDENTIALS: Final = struct.Struct("3i")
_MOST_BYTES: Final = 64
# A fork waits no longer for the thread to be gone.
_LONGEST_WAIT_SECONDS: Final = 0.5


class _Ends(NamedTuple):
    """Descriptors, not sockets: they stay until the process ends, and nobody has to close them.

    Whoever took the wake-up descriptor after us may put ours back at any time.
    """

    reader: int
    writer: int
    # What a stranger has under the same number, once a daemon has closed all that it inherited.
    identity: tuple[int, int]


class Tap(socket.socket):
    """Becomes readable when a signal comes; for one thread, which listens to it and closes it."""

    def __init__(self, ends: _Ends) -> None:
        super().__init__(fileno=os.dup(ends.reader))
        self.setblocking(False)

    def hear(self) -> None:
        """Tell, if what came is this process' own signal: children write here until they renew."""
        try:
            room = socket.CMSG_SPACE(_CREDENTIALS.size)
            numbers, credentials, _, _ = self.recvmsg(_MOST_BYTES, room)
        except BlockingIOError:
            return  # another tap was quicker
        senders = {_CREDENTIALS.unpack(content)[0] for _, _, content in credentials}
        if _tell is not None and _number in numbers and senders == {os.getpid()}:
            _tell()

    def close(self) -> None:
        """Hear no more; where it was the last one, an ear does."""
        super().close()
        if self in _taps:
            _taps.discard(self)
            _settle_ear()


_ends: _Ends | None = None
# The signal that is listened for, and what is done when it comes.
_number = 0
_tell: Callable[[], None] | None = None
# Of these ends, the ear's not among them.
_taps: WeakSet[Tap] = WeakSet()
_ear: Ear | None = None
_is_listening = False
_transitions = 0
# Reentrant: a handler may stop or make an agent.
_lock = threading.RLock()


def listen(number: signal.Signals, tell: Callable[[], None]) -> None:
    """Have `tell` called as soon as this signal comes, by another thread; main thread only.

    Not where somebody else has asked for the bytes, nor where trio may: it warns of company.
    """
    global _number, _tell, _is_listening
    if not hasattr(socket, "SO_PASSCRED") or importlib.util.find_spec("trio") is not None:
        return
    _number, _tell = number, tell
    reader, writer, _ = _whole_ends()
    _forget_what_came(reader)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    _is_listening = before in (-1, writer)
    if not _is_listening:
        signal.set_wakeup_fd(before)
    _settle_ear()


def hush() -> None:
    """Tell of nothing any more, where the bytes are still ours; main thread only."""
    global _is_listening
    if _ends is not None:
        current = signal.set_wakeup_fd(-1)
        if current not in (-1, _ends.writer):
            signal.set_wakeup_fd(current)
    _is_listening = False
    _settle_ear()


def open_tap() -> Tap | None:
    """One for the caller, who closes it; None where no signal will be told of."""
    with _lock:
        tap = _new_tap()
        if tap is not None:
            _taps.add(tap)
    _settle_ear()
    return tap


@contextmanager
def transition() -> Iterator[None]:
    """No ear is opened meanwhile: taps come and go, and it would be for a moment."""
    _begin_transition()
    try:
        yield
    finally:
        _end_transition()


def before_fork() -> None:
    """Leave the process no more threads than it has without us: a fork is coming."""
    _begin_transition()
    _close_ear(_LONGEST_WAIT_SECONDS)


def after_fork() -> None:
    """The fork is over, also in the child."""
    _end_transition()


def in_forked_child() -> None:
    """Put ends of its own where the parent's are: a child has signals of its own."""
    global _ends, _ear, _transitions, _lock
    _lock = threading.RLock()
    _ear, _transitions = None, 1
    _taps.clear()
    if _ends is not None and _is_whole(_ends):
        inherited, _ends = _ends, None
        with suppress(OSError):
            _open_ends(inherited)


def _begin_transition() -> None:
    global _transitions
    with _lock:
        _transitions += 1


def _end_transition() -> None:
    global _transitions
    with _lock:
        _transitions = max(_transitions - 1, 0)
    _settle_ear()


def _settle_ear() -> None:
    """Have an ear where signals are told of and there is no tap, and none elsewhere."""
    with _lock:
        is_needed = _is_listening and not _taps and not _transitions
        if not is_needed:
            _close_ear()
        elif _ear is None:
            _open_ear()


def _open_ear() -> None:
    global _ear
    tap = _new_tap()
    if tap is None:
        return
    try:
        _ear = Ear(tap)
        _ear.start()
    except (OSError, RuntimeError):
        # No descriptor or no thread to be had, or Python is about to end.
        _ear = None
        tap.close()


def _close_ear(timeout_seconds: float = 0.0) -> None:
    global _ear
    leaving, _ear = _ear, None
    if leaving is not None:
        leaving.end(timeout_seconds)


def _new_tap() -> Tap | None:
    return Tap(_ends) if _ends is not None and _is_whole(_ends) else None


def _forget_what_came(reader: int) -> None:
    """It is the handlers', who run in the thread that asks; a tap may not: others wait for it."""
    with suppress(BlockingIOError):
        while os.read(reader, _MOST_BYTES):
            pass


def _whole_ends() -> _Ends:
    if _ends is None or not _is_whole(_ends):
        # A daemon has closed the ends that there were.
        _taps.clear()
        _close_ear()
        return _open_ends(None)
    return _ends


def _open_ends(instead_of: _Ends | None) -> _Ends:
    """Two connected ends, under the same numbers as these."""
    global _ends
    reader, writer = socket.socketpair(socket.AF_UNIX)
    reader.setblocking(False)
    writer.setblocking(False)
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    numbers = reader.detach(), writer.detach()
    if instead_of is not None:
        old_numbers = instead_of.reader, instead_of.writer
        for new, old in zip(numbers, old_numbers, strict=True):
            os.dup2(new, old, inheritable=False)
            os.close(new)
        numbers = old_numbers
    _ends = _Ends(*numbers, identity(numbers[1]))
    return _ends


def _is_whole(ends: _Ends) -> bool:
    try:
        return identity(ends.writer) == ends.identity
    except OSError:
        return False
