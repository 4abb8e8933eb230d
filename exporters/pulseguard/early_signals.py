"""Signals as they come, while native code keeps the main thread from running its handlers.

The C part of Python's handlers writes each signal's number to one descriptor at once
(`signal.set_wakeup_fd`). It belongs to the process, so this module has state of its own.
"""

import importlib.util
import os
import signal
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NamedTuple

# Of a message's sender: process, user, group (struct ucred).
_CREDENTIALS: Final = struct.Struct("3i")
_MOST_BYTES: Final = 64


class _Ends(NamedTuple):
    """Descriptors, not sockets: they stay until the process ends, and nobody has to close them.

    Whoever took the wake-up descriptor after us may put ours back at any time.
    """

    reader: int
    writer: int
    # What a stranger has under the same number, once a daemon has closed all that it inherited.
    identity: tuple[int, int]


_ends: _Ends | None = None
# The signal that is listened for, and what is done when it comes.
_number = 0
_tell: Callable[[], None] | None = None


def listen(number: signal.Signals, tell: Callable[[], None]) -> None:
    """Have `tell` called as soon as this signal comes, by the thread of a tap; main thread only.

    Not where somebody else has asked for the bytes, nor where trio may: it warns of company.
    """
    global _number, _tell
    if not hasattr(socket, "SO_PASSCRED") or importlib.util.find_spec("trio") is not None:
        return
    _number, _tell = number, tell
    reader, writer, _ = _whole_ends()
    _forget_what_came(reader)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    if before not in (-1, writer):
        signal.set_wakeup_fd(before)


def hush() -> None:
    """Tell of nothing any more, where the bytes are still ours; main thread only."""
    if _ends is not None:
        current = signal.set_wakeup_fd(-1)
        if current not in (-1, _ends.writer):
            signal.set_wakeup_fd(current)


def open_tap() -> socket.socket | None:
    """What becomes readable when a signal comes, for the caller to close; None where none will."""
    if _ends is None or not _is_whole(_ends):
        return None
    tap = socket.socket(fileno=os.dup(_ends.reader))
    tap.setblocking(False)
    return tap


def hear(tap: socket.socket) -> None:
    """Tell, if what has come is this process' own signal: children write here until they renew."""
    try:
        room = socket.CMSG_SPACE(_CREDENTIALS.size)
        numbers, credentials, _, _ = tap.recvmsg(_MOST_BYTES, room)
    except BlockingIOError:
        return  # another tap was quicker
    senders = {_CREDENTIALS.unpack(content)[0] for _, _, content in credentials}
    if _tell is not None and _number in numbers and senders == {os.getpid()}:
        _tell()


def in_forked_child() -> None:
    """Put ends of its own where the parent's are: a child has signals of its own."""
    global _ends
    if _ends is not None and _is_whole(_ends):
        inherited, _ends = _ends, None
        with suppress(OSError):
            _open_ends(inherited)


def _forget_what_came(reader: int) -> None:
    """It is the handlers', who run in the thread that asks; a tap may not: others wait for it."""
    with suppress(BlockingIOError):
        while os.read(reader, _MOST_BYTES):
            pass


def _whole_ends() -> _Ends:
    if _ends is None or not _is_whole(_ends):
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
    _ends = _Ends(*numbers, _identity(numbers[1]))
    return _ends


def _is_whole(ends: _Ends) -> bool:
    try:
        return _identity(ends.writer) == ends.identity
    except OSError:
        return False


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino
