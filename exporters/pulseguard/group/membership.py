"""A process's membership in its agent's group: the thread that keeps it, and what follows."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from pulseguard.ending import Ending, seconds_until
from pulseguard.forking import IMPORTING
from pulseguard.group.group import Group, forget_old
from pulseguard.group.keeper import Keeper
from pulseguard.group.ledger import Ledger, decode, encode
from pulseguard.guard import Guard
from pulseguard.identity import Heard
from pulseguard.recording.series import Readings
from pulseguard.recording.whole import Part, Whole
from pulseguard.reporting.snapshots import Timeline, Waiting
from pulseguard.reporting.totals import Totals, part_totals

if TYPE_CHECKING:
    from pulseguard.group.processes import Processes

# A forked child that soon becomes another program leaves no trace.
SECONDS_BEFORE_A_CHILD_IS_SEEN: Final = 0.2

_SECONDS_TO_PAUSE: Final = 0.5


class Speaker(Protocol):
    """Whatever can speak for the whole agent."""

    def take_over(self) -> None:
        """Speak from now on, where the one before has gone; from the keeper's thread."""

    def keep_slot(self) -> None:
        """Hold on to the agent's number, each second."""

    def account(self) -> tuple[int | None, Timeline, Waiting, Heard | None]:
        """The port, what has been told, and as whom."""


class Membership:
    """From joining the group to leaving it."""

    def __init__(
        self,
        path: Path,
        whole: Whole,
        limit: int,
        guard: Guard,
        speaker: Speaker,
    ) -> None:
        """OSError where there can be no group."""
        self.port: int | None = None
        self._path = path
        self._whole = whole
        self._guard = guard
        self._speaker = speaker
        self._group = Group(path, whole, limit, guard)
        self._keeper: Keeper | None = None
        self._processes: Processes | None = None
        self._remembered = False
        # The thread whose fork it waits for: another one may be forking as well.
        self._paused_by: int | None = None
        self._read_version: object = None

    def begin(self) -> bool:
        """Join as the first or as one of many; whether this process speaks for all."""
        self._guard.attempt("clear away", None, forget_old, self._path.parent, time.time())
        leads = self._group.begin()
        if not leads:
            self._learn_port()
        return leads

    @property
    def in_company(self) -> bool:
        """Whether there are others, or have been."""
        return self._group.in_company

    @property
    def is_ending(self) -> bool:
        """Whether nothing is to be begun any more: this process is about to leave."""
        return self._keeper is not None and self._keeper.stopping

    def expect_company(self) -> None:
        """Others are about to come."""
        self._group.in_company = True

    def keep(self, first_after: float = 0.0) -> None:
        """Hand in the numbers from now on; said again, at once."""
        if self._keeper is not None:
            self._keeper.hurry()
            return
        self._keeper = Keeper(self._turn, self._guard, first_after)
        self._keeper.start()

    def remember(self) -> None:
        """Write down for whoever comes after what has been told; nothing, where nobody will."""
        if self._group.in_company:
            self._group.remember(self._ledger())
            self._remembered = True

    def ledger(self) -> Ledger | None:
        """What the speaker before has left."""
        content = self._group.remembered()
        return None if content is None else decode(content)

    def speaks_alone(self) -> bool:
        """Whether nobody else is there to go on."""
        return self._group.leads_alone()

    def stop_keeping(self, ending: Ending) -> None:
        """Take no more turns, so that nothing changes hands meanwhile.

        Half of the time is for a turn that has just begun to take over; the rest for the last word.
        """
        if self._keeper is not None:
            self._keeper.stop(seconds_until(ending.waits_until) / 2)

    def leave(self) -> bool:
        """Hand in the last numbers; whether nobody is left who could speak but this process."""
        return self._group.leave()

    def finish(self, has_more_to_tell: Callable[[], bool]) -> bool:
        """Be done with it; whether there has been company."""
        self._group.finish(self._ledger, has_more_to_tell)
        return self._group.in_company

    def pause(self) -> None:
        """Nothing is half done in the group from now on: a fork is coming."""
        if self._group.pause(_SECONDS_TO_PAUSE):
            self._paused_by = threading.get_ident()

    def go_on(self) -> None:
        """The fork is over."""
        if self._paused_by == threading.get_ident():
            self._paused_by = None
            self._group.go_on()

    def let_go(self) -> None:
        """Close what a forked child has inherited, and must not keep."""
        self._group.let_go()
        if self._keeper is not None:
            self._keeper.let_go()

    def add_processes(self, own: Readings) -> Readings:
        """What all processes use."""
        if self._processes is None:
            with IMPORTING:
                from pulseguard.group.processes import Processes

            self._processes = Processes()
        return self._processes.add_to(own, self._group.processes)

    def gather(self) -> Part:
        """The numbers of all processes."""
        return self._group.gather()

    def ended_totals(self) -> Totals:
        """The totals of the other processes that have ended."""
        return part_totals(self._group.gather_ended(), self._whole.detail)

    def _ledger(self) -> bytes:
        return encode(*self._speaker.account())

    def _turn(self) -> None:
        self._guard.attempt("keep the slot", None, self._speaker.keep_slot)
        if self._group.turn():
            if self.is_ending:
                # `leave` finds that nobody else is left, and this process says the last word.
                return
            self._speaker.take_over()
        elif not self._group.leading:
            self._learn_port()
        if self._group.leading and not self._remembered:
            self.remember()

    def _learn_port(self) -> None:
        version = self._group.version()
        if version == self._read_version:
            return
        self._read_version = version
        ledger = self._guard.attempt("read the ledger", None, self.ledger)
        if ledger is not None:
            self.port = ledger.port
