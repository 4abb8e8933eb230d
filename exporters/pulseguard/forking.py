"""fork: no child is left with half of an import or of a log line, and each agent learns of it.

Hooks at fork belong to the process, so this module has state of its own.
"""

import os
import threading
from typing import Final, Protocol
from weakref import WeakSet

from pulseguard import early_signals

# Held while a thread of ours imports: a child forked in between would wait for that import for
# ever. So would the agent's own code there, should it want the same module.
IMPORTING: Final = threading.Lock()

# Held while a thread of ours logs, most often to stderr. What a thread writes there locks it, for
# ever in a child that is forked in between, which flushes it when it ends. Reentrant: a log handler
# may fork, and finalizers, which interrupt it, may log.
LOGGING: Final = threading.RLock()

# A fork waits no longer for such an import. One takes 0.2 s, and ten times as long on a busy
# machine; a child that was forked in its midst would never get on.
_LONGEST_WAIT_SECONDS: Final = 10.0
# Nor for a line: a handler may wait for somebody who does not come.
_LONGEST_WAIT_FOR_A_LINE_SECONDS: Final = 2.0


class Lock(Protocol):
    """A lock, reentrant or not."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool: ...
    def release(self) -> None: ...


class Forking(Protocol):
    """Whatever has to know of forks; neither method raises anything."""

    def before_fork(self) -> None: ...
    def after_fork(self) -> None: ...
    def in_forked_child(self) -> None: ...


_told: "WeakSet[Forking]" = WeakSet()
_hooks_set = False
# What each thread holds for its fork: several may be forking.
_held: "dict[int, list[Lock]]" = {}


def tell_of_forks(told: Forking) -> None:
    """Have it told of every fork of this process, for as long as it lives."""
    global _hooks_set
    if not _hooks_set:
        os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
        _hooks_set = True
    _told.add(told)


def renew_lock(lock: Lock) -> None:
    """Free a lock in a forked child, where whoever held it is no more.

    As the standard library does it with its own: a lock that a thread was just about to get cannot
    be released by anybody else.
    """
    lock._at_fork_reinit()  # type: ignore[attr-defined]  # typeshed does not know it


def _before() -> None:
    early_signals.before_fork()
    for each in list(_told):
        each.before_fork()
    waited_for = (
        (IMPORTING, _LONGEST_WAIT_SECONDS),
        (LOGGING, _LONGEST_WAIT_FOR_A_LINE_SECONDS),
    )
    _held[threading.get_ident()] = [
        lock for lock, longest in waited_for if lock.acquire(timeout=longest)
    ]


def _in_parent() -> None:
    for lock in _held.pop(threading.get_ident(), []):
        lock.release()
    for each in list(_told):
        each.after_fork()
    early_signals.after_fork()


def _in_child() -> None:
    _held.clear()
    renew_lock(IMPORTING)
    renew_lock(LOGGING)
    early_signals.in_forked_child()
    for each in list(_told):
        each.in_forked_child()
    early_signals.after_fork()
