"""fork: no child is left with half of an import, and each agent learns that it is in a child.

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

# A fork waits no longer for such an import. One takes 0.2 s, and ten times as long on a busy
# machine; a child that was forked in its midst would never get on.
_LONGEST_WAIT_SECONDS: Final = 10.0


class Forking(Protocol):
    """Whatever has to know of forks; neither method raises anything."""

    def before_fork(self) -> None: ...
    def after_fork(self) -> None: ...
    def in_forked_child(self) -> None: ...


_told: "WeakSet[Forking]" = WeakSet()
_hooks_set = False
# The thread that holds IMPORTING for its fork: another one may be forking as well.
_held_by: int | None = None


def tell_of_forks(told: Forking) -> None:
    """Have it told of every fork of this process, for as long as it lives."""
    global _hooks_set
    if not _hooks_set:
        os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)
        _hooks_set = True
    _told.add(told)


def renew_lock(lock: threading.Lock) -> None:
    """Free a lock in a forked child, where whoever held it is no more.

    As the standard library does it with its own: a lock that a thread was just about to get cannot
    be released by anybody else.
    """
    lock._at_fork_reinit()  # type: ignore[attr-defined]  # typeshed does not know it


def _before() -> None:
    global _held_by
    early_signals.before_fork()
    for each in list(_told):
        each.before_fork()
    if IMPORTING.acquire(timeout=_LONGEST_WAIT_SECONDS):
        _held_by = threading.get_ident()


def _in_parent() -> None:
    _let_import()
    for each in list(_told):
        each.after_fork()
    early_signals.after_fork()


def _in_child() -> None:
    global _held_by
    _held_by = None
    renew_lock(IMPORTING)
    early_signals.in_forked_child()
    for each in list(_told):
        each.in_forked_child()
    early_signals.after_fork()


def _let_import() -> None:
    global _held_by
    if _held_by == threading.get_ident():
        _held_by = None
        IMPORTING.release()
