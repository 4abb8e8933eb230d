"""Keeps the components running: starts them, sees them become ready, restarts what dies."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pulseguard_stack.errors import CannotStart
from pulseguard_stack.runner.component import Component
from pulseguard_stack.runner.owned_files import explained
from pulseguard_stack.runner.processes import MARK, POLL_SECONDS, end, wait_for
from pulseguard_stack.runner.run_file import RunningComponent
from pulseguard_stack.runner.supervised import Supervised

# From then on a wait is worth a word about what is being waited for.
LONG_WAIT_SECONDS = 5.0


class Reporter(Protocol):
    """Whom the supervision tells."""

    def starting(self, names: Sequence[str], saying: str) -> None:
        """These are being waited for; `saying`, where not empty, is why that takes so long."""

    def ready(self, name: str, seconds: float) -> None:
        """This is ready, so many seconds after its start."""

    def given_up(self, name: str, reason: str) -> None:
        """This could not be started, and the stack does without it."""

    def ended(self, name: str, status: int, log: Path) -> None:
        """This has died, and is going to be started again."""

    def not_restarted(self, name: str, problem: OSError) -> None:
        """This has died and could not be started again; that is going to be tried again."""


class Supervision:
    """All components of one stack."""

    def __init__(
        self,
        stack_dir: Path,
        reporter: Reporter,
        *,
        stopping: Callable[[], bool],
        changed: Callable[[Sequence[RunningComponent]], None],
    ) -> None:
        """`stopping` says whether to give up waiting; `changed` is told of every start."""
        self._environment = {**os.environ, MARK: str(stack_dir)}
        self._reporter = reporter
        self._stopping = stopping
        self._changed = changed
        self._stages: list[list[Supervised]] = []
        self._given_up: dict[str, str] = {}

    @property
    def given_up(self) -> Mapping[str, str]:
        """What the stack does without, each with the reason."""
        return self._given_up

    def start(self, stage: Sequence[Component]) -> None:
        """Starts these and returns when all are ready, or early when the stack is to stop.

        One that ends, or is not ready in time, is given up where the stack can do without it, else
        raises CannotStart.
        """
        started = [Supervised(component, self._environment) for component in stage]
        self._stages.append(started)
        waiting = [each for each in list(started) if self._is_begun(each)]
        self._tell_change()
        earlier = [each for each in self._all() if each not in started]
        while waiting and not self._stopping():
            self._reporter.starting([each.component.name for each in waiting], _saying(waiting))
            waiting = [each for each in waiting if not self._is_settled(each)]
            self._watch_over(earlier)
            time.sleep(POLL_SECONDS)

    def watch(self) -> None:
        """Looks once after every component: restarts what has died, reports what is back."""
        self._watch_over(self._all())

    def stop(self) -> list[str]:
        """Ends all, who watches and then the last started first; answers the names of those that
        had to be killed."""
        killed = _stop_stage([each for each in self._all() if each.component.watches])
        for stage in reversed(self._stages):
            killed += _stop_stage(stage)
        return killed

    def _is_begun(self, each: Supervised) -> bool:
        try:
            each.start()
        except OSError as problem:
            name, log = each.component.name, str(each.component.log)
            reason = explained(problem) if problem.filename == log else str(problem)
            self._refuse(each, CannotStart(f"{name} cannot be started ({reason})"))
        return each.running is not None

    def _is_settled(self, each: Supervised) -> bool:
        try:
            return self._is_up(each)
        except CannotStart as problem:
            self._refuse(each, problem)
            return True

    def _refuse(self, each: Supervised, problem: CannotStart) -> None:
        if each.component.needed:
            raise problem
        reason = str(problem)
        _stop_stage([each])
        each.component.clear_away()
        for stage in self._stages:
            stage[:] = [other for other in stage if other is not each]
        self._given_up[each.component.name] = reason
        self._reporter.given_up(each.component.name, reason)
        self._tell_change()

    def _is_up(self, each: Supervised) -> bool:
        name, log = each.component.name, each.component.log
        status = each.exit_status()
        if status is not None:
            raise CannotStart(f"{name} ended at its start ({_said(each)}); its log is {log}")
        if each.look():
            self._reporter.ready(name, each.seconds_since_start)
            return True
        limit = each.component.ready_seconds
        if each.seconds_since_start > limit:
            raise CannotStart(
                f"{name} is not ready after {limit:.0f} s ({_said(each)}); its log is {log}"
            )
        return False

    def _watch_over(self, components: Sequence[Supervised]) -> None:
        for each in components:
            if each.restart_at is not None:
                if time.time() >= each.restart_at:
                    self._restart(each)
            elif (status := each.exit_status()) is not None:
                self._reporter.ended(each.component.name, status, each.component.log)
                each.end_orphans()
                each.plan_restart()
            elif not each.is_ready and each.look():
                self._reporter.ready(each.component.name, each.seconds_since_start)

    def _restart(self, each: Supervised) -> None:
        try:
            each.start()
        except OSError as problem:
            # Its program may have been removed, as an upgrade does for a moment.
            self._reporter.not_restarted(each.component.name, problem)
            each.plan_restart()
        else:
            self._tell_change()

    def _all(self) -> list[Supervised]:
        return [each for stage in self._stages for each in stage]

    def _tell_change(self) -> None:
        self._changed([each.running for each in self._all() if each.running])


def _said(each: Supervised) -> str:
    return each.last_words() or "without a word"


def _saying(waiting: Sequence[Supervised]) -> str:
    """What the slowest of these has said last, where it is slow."""
    slowest = max(waiting, key=lambda each: each.seconds_since_start)
    is_slow = slowest.seconds_since_start > LONG_WAIT_SECONDS
    return slowest.last_words() if is_slow else ""


def _stop_stage(stage: Sequence[Supervised]) -> list[str]:
    alive = {
        each.running.process: each.component.name
        for each in stage
        if each.running and each.exit_status() is None
    }
    seconds = max((each.component.stop_seconds for each in stage), default=0.0)
    killed = end(list(alive), deadline_seconds=seconds)
    for each in (each for each in stage if each.running):
        # Takes it out of the table of processes; it has ended already.
        wait_for(lambda each=each: each.exit_status() is not None, 5.0)  # type: ignore[misc]
        each.end_orphans()
    return [alive[one] for one in killed]
