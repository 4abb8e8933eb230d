"""The agent that stands for a program: registered, served and ended by whoever runs it."""

import os
import time
from typing import TYPE_CHECKING, Any, Final

from pulseguard.agent import Agent
from pulseguard.ending import Ending, begin_ending, seconds_until
from pulseguard.exporter import Exporter
from pulseguard.process_end import SECONDS_TO_END

if TYPE_CHECKING:
    from pulseguard.group.membership import Membership

_SECONDS_TO_WITHDRAW: Final = 0.5


class QuietExporter(Exporter):
    """Leads the group of the program's processes from the start, and speaks when told to."""

    # Any: as the constructor of Exporter.
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.program = os.getpid()
        self._works = False
        self._is_quiet = True
        self._due: tuple[int | None, bool] | None = None

    @property
    def team(self) -> str:
        return self._settings.team

    def speak(self) -> None:
        """Serve /metrics and register from now on; harmless when repeated."""
        with self._lifecycle:
            due, self._due, self._is_quiet = self._due, None, False
            if due is None:
                return
            # The program's processes come at any time, and may have to go on without this one:
            # before anything is told, and again with the port.
            if self._membership is not None:
                self._membership.expect_company()
            self._guard.attempt("write down what is told", None, self._remember)
            self._speak(*due)
            self._guard.attempt("write down what is told", None, self._remember)

    def watch(self) -> None:
        """Tell what only this process knows: the program works, as far as nobody says more."""
        alone = self._membership is None or self._membership.speaks_alone()
        self._tell_work(alone)

    def end(self, failed: bool) -> None:
        """The program has ended: say goodbye, or leave the agent to be missed."""
        if self._is_quiet and self._settings.registry_url is None:
            # A short program, and nobody who would hear of it.
            self.withdraw(goodbye=False)
            return
        over_at = time.monotonic() + SECONDS_TO_END
        self.speak()
        if failed:
            self._recorder.activity.failed(True)
        self.stop(seconds_until(over_at), failed)

    def withdraw(self, goodbye: bool) -> None:
        """Leave the program to another agent, with a goodbye where this one was known."""
        if goodbye and not self._is_quiet:
            self.stop(_SECONDS_TO_WITHDRAW)
            return
        with self._lifecycle:
            self._running, self._is_quiet = False, True
            ending = begin_ending(_SECONDS_TO_WITHDRAW)
            if self._presence is not None:
                self._presence.hand_over(ending)
                self._remember()
            if self._membership is not None:
                self._guard.attempt(
                    "leave the group", None, self._hand_in, self._membership, ending
                )
            self._close()

    def _take_instance(self) -> None:
        super()._take_instance()
        # As one that was given: the program's processes are to come under it.
        self._stay_who_it_is()

    def _tell_work(self, works: bool) -> None:
        if works is not self._works:
            self._works = works
            activity = self._recorder.activity
            with self._recorder.series.lock:
                activity.began() if works else activity.ended(well=False)

    def _hand_in(self, membership: "Membership", ending: Ending) -> None:
        membership.stop_keeping(ending)
        membership.leave()
        membership.finish(self._has_more_to_tell)
        self._membership = None

    def _speak(self, port: int | None, starting: bool) -> None:
        if self._is_quiet:
            self._due = (port, starting)
            return
        self.show_tree(self.program)
        super()._speak(port, starting)


class Observer(Agent):
    """The agent of a run: begun quietly, since the program may turn out to have one of its own."""

    _exporter: QuietExporter
    _exporter_type = QuietExporter

    def _take_sigterm(self) -> None:
        """The signals are the program's."""

    @property
    def team(self) -> str:
        """Whose it is, from whatever source."""
        return self._exporter.team

    def begin(self, program: int) -> None:
        """Be there for the processes of this program, and for nobody else yet."""
        self._exporter.program = program
        self._guard.attempt("start", None, self._exporter.start)

    def speak(self) -> None:
        """Be known: /metrics, registration, heartbeat."""
        self._guard.attempt("start", None, self._exporter.speak)

    def watch(self) -> None:
        """What is due while the program runs."""
        self._guard.attempt("watch the program", None, self._exporter.watch)

    def end(self, failed: bool) -> None:
        """The program has ended; an agent that failed is not said goodbye for."""
        self._guard.attempt("stop", None, self._exporter.end, failed)

    def withdraw(self, goodbye: bool) -> None:
        """The program is none, or has an agent of its own: of the same identity, no goodbye."""
        self._guard.attempt("stop", None, self._exporter.withdraw, goodbye)
