"""The life of an agent's exporter: who the agent is, and whether this process speaks for it."""

import threading
import time
from typing import TYPE_CHECKING, Final

from pulseguard.description import Description
from pulseguard.ending import Ending, begin_ending, seconds_until
from pulseguard.forking import IMPORTING, tell_of_forks
from pulseguard.guard import Guard, OncePerMinute
from pulseguard.process_end import end_with_multiprocessing
from pulseguard.recording.calls import OPEN_CALL
from pulseguard.recording.recorder import Recorder
from pulseguard.settings import Settings
from pulseguard.slots import Slot, default_folder, take_instance
from pulseguard.speaking import Speaking
from pulseguard.unseen import note_started

if TYPE_CHECKING:
    from pulseguard.group.membership import Membership

# For a request to the registry that is under way; another process will send it again.
_SECONDS_TO_HAND_OVER: Final = 0.5


class Exporter(Speaking):
    """Starts and stops as often as wished; what is recorded in between is not lost.

    Several processes of one agent are a group: one of them speaks for all (`pulseguard.group`).
    One that is alone has none of it, until it forks or where its instance is given.
    """

    def __init__(
        self,
        description: Description,
        settings: Settings,
        recorder: Recorder,
        guard: Guard,
        journal: OncePerMinute,
    ) -> None:
        super().__init__(description, settings, recorder, guard, journal)
        self._slot: Slot | None = None
        self._slot_of_the_group: Slot | None = None
        self._running = False
        self._lifecycle = threading.Lock()
        tell_of_forks(self)

    def start(self) -> bool:
        """Whether it was started now; no part that fails keeps the others from starting."""
        with self._lifecycle:
            if self._running:
                return False
            self._running = True
            note_started(self)
            self._recorder.activity.drain(False)
            self._guard.attempt("take a slot", None, self._take_instance)
            # Whose instance is given may have company from the start, else only when it forks.
            is_given = self._settings.instance is not None
            if not is_given or self._guard.attempt("join the group", True, self._join):
                self._succeed()
            if self._membership is not None:
                self._guard.attempt("keep the group", None, self._membership.keep)
            return True

    def stop(self, timeout_seconds: float, failed: bool = False) -> bool:
        """Whether it was stopped now: last snapshot, goodbye, and a last scrape if one is due.

        Of a group only the last one says goodbye. An agent that has `failed` says what its state
        is instead, and will be missed.
        """
        ending = begin_ending(timeout_seconds)
        # Another thread may be stopping it, and have all the time in the world.
        if not self._lifecycle.acquire(timeout=seconds_until(ending.waits_until)):
            return False
        try:
            was_running, self._running = self._running, False
            if was_running:
                self._end(ending, failed)
            return was_running
        finally:
            self._lifecycle.release()

    def show_tree(self, root: int) -> None:
        """Tell of this process' descendants from now on, instead of this process."""
        # Here: few are run by `pulseguard run`, and psutil is a third of the import.
        with IMPORTING:
            from pulseguard.running.process_tree import ProcessTree

        self._collection.add_processes = ProcessTree(root, time.monotonic()).add_to

    def before_fork(self) -> None:
        """A child is about to be: from now on this process may have company."""
        if self._membership is None and self._running and self._lifecycle.acquire(blocking=False):
            try:
                self._guard.attempt("form a group", None, self._join)
            finally:
                self._lifecycle.release()
        if self._membership is not None:
            end_with_multiprocessing()
            self._membership.expect_company()
            self._membership.pause()

    def after_fork(self) -> None:
        """This process goes on."""
        if self._membership is not None:
            self._membership.go_on()
            self._guard.attempt("keep the group", None, self._membership.keep)

    def in_forked_child(self) -> None:
        """This process is the child: of what the parent has, only who the agent is goes on."""
        presence, parent, port = self._presence, self._membership, self._port
        self._recorder.in_forked_child()
        self._journal.in_forked_child()
        OPEN_CALL.set(None)
        self._lifecycle = threading.Lock()
        self._begin_anew()
        for inherited in (presence, parent):
            if inherited is not None:
                self._guard.attempt("let go of the parent's", None, inherited.let_go)
        if self._running and parent is not None:
            self._stay_who_it_is()
            self._guard.attempt("join the group", None, self._follow, port)

    def keep_slot(self) -> None:
        """Have no other agent take this one's number."""
        if self._slot_of_the_group is not None:
            self._slot_of_the_group.keep()

    def _succeed(self) -> None:
        """Begin to speak; for others, where a leader has just gone and left them."""
        is_left = self._membership is not None and self._membership.in_company
        self._speak(self._take_on() if is_left else None, starting=True)

    def _end(self, ending: Ending, failed: bool) -> None:
        self._recorder.drain(failed)
        if self._membership is not None:
            self._guard.attempt(
                "leave the group", None, self._leave, self._membership, ending, not failed
            )
        elif self._presence is not None:
            self._presence.finish(ending, goodbye=not failed)
        self._close()
        self._journal.flush()

    def _leave(self, membership: "Membership", ending: Ending, goodbye: bool) -> None:
        membership.stop_keeping(ending)
        if self._presence is not None and membership.speaks_alone():
            self._presence.finish(ending, goodbye)
        else:
            membership.expect_company()
            if self._presence is not None:
                self._presence.hand_over(ending.within(_SECONDS_TO_HAND_OVER))
                self._remember()
            if membership.leave():
                self._speak_last(self._take_on(), ending, goodbye)
        while seconds_until(ending.waits_until) and membership.speaks_alone():
            # Others may have come, worked and gone while this one said its last word.
            if not self._has_more_to_tell():
                break
            self._speak_last(self._port, ending, goodbye)
        self._membership = None
        if membership.finish(self._has_more_to_tell):
            # Its numbers are in the group's: what comes now is counted from zero.
            self._stay_who_it_is()
            self._recorder.begin_anew()
            self._begin_anew()

    def _join(self) -> bool:
        """Whether this process speaks for the group."""
        membership = self._new_membership()
        leads = membership.begin()
        self._be_member(membership)
        return leads

    def _follow(self, port: int | None) -> None:
        from pulseguard.group.membership import SECONDS_BEFORE_A_CHILD_IS_SEEN

        membership = self._new_membership()
        membership.port = port
        membership.expect_company()
        self._be_member(membership)
        membership.keep(SECONDS_BEFORE_A_CHILD_IS_SEEN)

    def _be_member(self, membership: "Membership") -> None:
        self._membership = membership
        self._whole.gather = membership.gather
        # Whoever looks after a tree of processes sees more than the group does.
        if self._collection.add_processes is None:
            self._collection.add_processes = membership.add_processes

    def _new_membership(self) -> "Membership":
        # Here: most agents are one process, and all pay for an import.
        with IMPORTING:
            from pulseguard.group.group import group_folder
            from pulseguard.group.membership import Membership

        of, name = self._settings, self._description.name
        path = group_folder(of.environment, name, self.instance, of.registry_url or "")
        return Membership(path, self._whole, of.series_limit, self._guard, self)

    def _take_instance(self) -> None:
        if not self._settings.instance:
            environment, name = self._settings.environment, self._description.name
            folder = default_folder()
            self.instance, self._slot = take_instance(environment, name, folder, self._journal)

    def _stay_who_it_is(self) -> None:
        """The slot is the group's now: it is held until the last of its processes has ended."""
        self._settings = self._settings._replace(instance=self.instance)
        self._slot_of_the_group, self._slot = self._slot or self._slot_of_the_group, None

    def _close(self) -> None:
        self._presence = None
        if self._slot is not None:
            self._guard.attempt("release the slot", None, self._slot.release)
            self._slot = None
