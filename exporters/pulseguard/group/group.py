"""The processes of one agent: one of them leads and speaks for all, the others hand in numbers."""

import hashlib
import stat
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from pulseguard.catalog import Metric
from pulseguard.group.folder import Folder, default_folder
from pulseguard.group.members import Member, members, process_of
from pulseguard.group.numbers import Numbers
from pulseguard.group.summing import Sum
from pulseguard.guard import Guard
from pulseguard.recording.whole import Part, Whole

_LEDGER: Final = "ledger"
# Where all processes are replaced at once, the next one comes within this time.
_SECONDS_OF_SUCCESSION: Final = 5.0
_SECONDS_KEPT: Final = 86_400.0


def group_folder(*identity: str) -> Path:
    """Where those of this user's processes meet that are the same agent of the same registry."""
    key = hashlib.sha256("\0".join(identity).encode()).hexdigest()[:32]
    return default_folder() / key


class Group:
    """One process's side of its agent's group; each method is for any thread.

    What the leader shows it has written down before, so that whoever takes over shows no less.
    """

    def __init__(self, path: Path, whole: Whole, limit: int, guard: Guard) -> None:
        """OSError where there can be no such folder."""
        self.leading = False
        self.in_company = False
        self._whole = whole
        self._guard = guard
        self._lock = threading.RLock()
        self._folder = Folder(path)
        metrics, detail = whole.metrics, whole.detail
        self._sum = Sum(metrics, detail, limit)
        self._numbers = Numbers(self._folder, Sum(metrics, detail, limit))
        self._me: Member | None = None
        self._left = False
        self._own: Part | None = None

    @property
    def processes(self) -> tuple[int, ...]:
        """The ids of the other living processes, as of the last reading."""
        return tuple(map(process_of, self._numbers.living))

    def begin(self) -> bool:
        """Whether this process leads; what was left by others is taken on if they just ended."""
        with self._lock:
            self.leading = self._folder.lock()
            self.in_company = not self.leading or self._has_others() or self._is_bequeathed()
            if not self.in_company:
                self._numbers.forget()
                self._folder.remove(_LEDGER)
            if not self.leading:
                # At once: who leads may be about to leave, and looks whether somebody is there.
                # Where it has just cleared the folder away, the next turn is soon enough.
                with suppress(FileNotFoundError):
                    self._be_there()
            return self.leading

    def turn(self) -> bool:
        """What is due each second; whether this process has begun to lead."""
        with self._lock:
            if self._left or self._is_alone():
                return False
            stayed = self._be_there()
            self._publish()
            if self.leading:
                self._numbers.fold()
                return False
            # Of a folder made anew the leader that there was is the first to have it.
            self.leading = stayed and self._folder.lock()
            return self.leading

    def gather(self) -> Part:
        """The numbers of all processes, those that have ended included."""
        with self._lock:
            if self._is_alone():
                return self._whole.read_own()
            own = None if self._left else self._own_numbers()
            # Who has left has its numbers among those of the ended.
            me = self._me.name if self._me and not self._left else None
            files = self._guard.attempt("read numbers", [], self._numbers.read, me)
            self._learn(metric for file in files for metric in file.own_metrics)
            parts = [file.part for file in files]
            if own is None:
                return self._sum.living(parts)
            return self._sum.living([*parts, own])._replace(changes=own.changes)

    def gather_ended(self) -> Part:
        """The numbers of those that have ended, this process not among them."""
        with self._lock:
            me = self._me.name if self._me else None
            files = self._guard.attempt("read numbers", [], self._numbers.read_ended, me)
            self._learn(metric for file in files for metric in file.own_metrics)
            return self._sum.living(file.part for file in files)

    def leads_alone(self) -> bool:
        """Whether this process leads, and nobody else is left."""
        with self._lock:
            return self.leading and not self._has_others()

    def leave(self) -> bool:
        """Hand in the last numbers; whether nobody is left, so that this process speaks for all."""
        with self._lock:
            if not self._left:
                self._guard.attempt("write numbers down", None, self._hand_in)
            self._left = True
            if self._me is not None:
                self._me.leave(self._folder)
            if self.leading:
                self._stop_leading()
            # Others may have left while this one still led: who leaves looks again.
            if self._has_others() or not self._folder.lock():
                return False
            self.leading = not self._has_others()
            if not self.leading:
                self._stop_leading()
            return self.leading

    def finish(self, ledger: Callable[[], bytes], has_more_to_tell: Callable[[], bool]) -> None:
        """Be done with it; who leads to the end clears it away.

        Who was about to do so while others came in leaves them its numbers, and the ledger; so
        does who has more to tell and no time left, to whoever comes next.
        """
        with self._lock:
            if self.leading and not self._has_others() and not has_more_to_tell():
                self._guard.attempt("clear away", None, self._folder.remove_all)
            elif not self._left:
                self._guard.attempt("leave numbers behind", None, self._bequeath, ledger)
            self.let_go()

    def pause(self, timeout_seconds: float) -> bool:
        """Whether no thread is at work here until `go_on`."""
        return self._lock.acquire(timeout=timeout_seconds)

    def go_on(self) -> None:
        self._lock.release()

    def let_go(self) -> None:
        """Close everything: also what a forked child has inherited, and must not keep."""
        self._left = True
        if self._me is not None:
            self._me.let_go()
        self._folder.close()

    def remember(self, ledger: bytes) -> None:
        """Keep what a later leader has to know."""
        with self._lock:
            self._folder.write(_LEDGER, ledger)

    def remembered(self) -> bytes | None:
        """What the leader before has left."""
        with self._lock:
            return self._folder.read(_LEDGER)

    def version(self) -> object:
        """Something that changes with what is remembered."""
        with self._lock:
            return self._folder.version(_LEDGER)

    def _be_there(self) -> bool:
        """Be seen by the others; whether the folder is the one that it was."""
        stayed = self._folder.is_still_there()
        if not stayed:
            self._folder.reopen()
            self.leading = self.leading and self._folder.lock()
        if self._me is None:
            self._me = Member(self._folder)
        elif not stayed or not self._me.is_seen(self._folder):
            # Who cleared the folder away may have met this process as it came in.
            self._own = None
            self._me.enter(self._folder)
        return stayed

    def _own_numbers(self) -> Part:
        """This process's, written down before anybody sees them."""
        written = self._guard.attempt("write numbers down", None, self._hand_in)
        return written or self._whole.read_own()

    def _hand_in(self) -> Part:
        self._be_there()
        return self._publish()

    def _bequeath(self, ledger: Callable[[], bytes]) -> None:
        self.in_company = True
        self._hand_in()
        self._folder.write(_LEDGER, ledger())
        if self._me is not None:
            self._me.leave(self._folder)

    def _publish(self) -> Part:
        assert self._me is not None
        own = self._whole.read_own()
        if self._own is None or own._replace(changes=0) != self._own._replace(changes=0):
            self._numbers.write(self._me.name, own, self._whole.own_metrics)
        self._own = own
        return own

    def _learn(self, found: Iterable[Metric]) -> None:
        """Metrics that another process has and the catalogue has not."""
        self._sum.know(self._whole.own_metrics)
        self._sum.know(found)
        own = {metric.name for metric in self._whole.own_metrics}
        self._whole.foreign_metrics = tuple(
            metric for metric in self._sum.metrics if metric.name not in own
        )

    def _is_alone(self) -> bool:
        """Whether there is nobody who would want this process's numbers, and never was."""
        if not self.in_company:
            living, ended = members(self._folder)
            somebody = bool(living or ended) or not self._folder.is_still_there()
            self.in_company = not self.leading or somebody
        return not self.in_company

    def _is_bequeathed(self) -> bool:
        """Whether what lies here is of processes that ended only now, and may not be told yet."""
        # Before or after now: a clock may be set back while processes are replaced.
        age = abs(time.time() - self._folder.path.stat().st_mtime)
        return bool(self._folder.names()) and age < _SECONDS_OF_SUCCESSION

    def _has_others(self) -> bool:
        living, _ = members(self._folder)
        return bool(living - ({self._me.name} if self._me else set()))

    def _stop_leading(self) -> None:
        self.leading = False
        self._folder.reopen()


def forget_old(base: Path, now: float) -> None:
    """Clear away what processes that were killed have left, a day later."""
    for path in list(base.iterdir()):
        # Somebody else's, or gone meanwhile: the others are cleared away all the same.
        with suppress(OSError):
            _forget_if_old(path, now)


def _forget_if_old(path: Path, now: float) -> None:
    found = path.stat(follow_symlinks=False)
    if now - found.st_mtime < _SECONDS_KEPT or not stat.S_ISDIR(found.st_mode):
        return
    with Folder(path) as folder:
        if folder.lock() and not members(folder)[0]:
            folder.remove_all()
