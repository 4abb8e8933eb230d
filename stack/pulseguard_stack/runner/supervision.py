"""Keeps the components running: starts them, sees them become ready, restarts what dies."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pulseguard_stack.errors import CannotStart
from pulseguard_stack.runner.component import Component, Start
from pulseguard_stack.runner.processes import MARK, POLL_SECONDS, Process, end, process, wait_for
from pulseguard_stack.runner.run_file import RunningComponent

READY_TIMEOUT_SECONDS = 90.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
# What has run for this long is well again: its next death is a first one.
STEADY_SECONDS = 60.0


class Reporter(Protocol):
    """Whom the supervision tells."""

    def starting(self, names: Sequence[str]) -> None:
        """These are being waited for."""

    def ready(self, name: str, seconds: float) -> None:
        """This is ready, so many seconds after its start."""

    def ended(self, name: str, status: int, log: Path) -> None:
        """This has died, and is going to be started again."""


class Supervised:
    """One component, and the process that it is at the moment."""

    def __init__(self, component: Component, environment: Mapping[str, str]) -> None:
        self.component = component
        self._environment = {**environment, **component.environment}
        self._popen: subprocess.Popen[bytes] | None = None
        self._start = Start(0.0, 0)
        self._pause = FIRST_PAUSE_SECONDS
        self.is_ready = False
        self.restart_at: float | None = None
        self.running: RunningComponent | None = None

    def start(self) -> None:
        """Starts it in a session of its own, so that what is typed at us is not for it."""
        component = self.component
        with component.log.open("ab") as log:
            self._start = Start(time.time(), log.tell())
            self._popen = subprocess.Popen(
                component.command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.is_ready, self.restart_at = False, None
        # Not reaped yet, so its entry in /proc is there unless it is already a zombie.
        known = process(self._popen.pid) or Process(self._popen.pid, "ended")
        self.running = RunningComponent(component.name, known, component.log)

    @property
    def seconds_since_start(self) -> float:
        return time.time() - self._start.at

    def exit_status(self) -> int | None:
        """The status of the process, None while it runs."""
        return self._popen.poll() if self._popen else None

    def look(self) -> bool:
        """Whether it is ready now; once ready it is not asked again until its next start."""
        self.is_ready = self.is_ready or self.component.is_ready(self._start)
        return self.is_ready

    def last_words(self) -> str:
        """The last line that it has written since its start."""
        with self.component.log.open("rb") as log:
            log.seek(self._start.log_bytes)
            lines = log.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "without a word"

    def plan_restart(self) -> None:
        """Sets the time of its next start: the more often it dies, the later."""
        if self.seconds_since_start > STEADY_SECONDS:
            self._pause = FIRST_PAUSE_SECONDS
        self.restart_at = time.time() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)


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

    def start(self, stage: Sequence[Component]) -> None:
        """Starts these and returns when all are ready, or early when the stack is to stop.

        Raises CannotStart for one that ends, or is not ready in time.
        """
        started = [Supervised(component, self._environment) for component in stage]
        self._stages.append(started)
        for each in started:
            each.start()
        self._tell_change()
        waiting = list(started)
        earlier = [each for each in self._all() if each not in started]
        while waiting and not self._stopping():
            self._reporter.starting([each.component.name for each in waiting])
            waiting = [each for each in waiting if not self._is_up(each)]
            self._watch_over(earlier)
            time.sleep(POLL_SECONDS)

    def watch(self) -> None:
        """Looks once after every component: restarts what has died, reports what is back."""
        self._watch_over(self._all())

    def stop(self) -> list[str]:
        """Ends all, the last started first; answers the names of those that had to be killed."""
        killed: list[str] = []
        for stage in reversed(self._stages):
            killed += _stop_stage(stage)
        return killed

    def _is_up(self, each: Supervised) -> bool:
        name, log = each.component.name, each.component.log
        status = each.exit_status()
        if status is not None:
            raise CannotStart(f"{name} ended at its start ({each.last_words()}); its log is {log}")
        if each.look():
            self._reporter.ready(name, each.seconds_since_start)
            return True
        if each.seconds_since_start > READY_TIMEOUT_SECONDS:
            raise CannotStart(
                f"{name} is not ready after {READY_TIMEOUT_SECONDS:.0f} s; its log is {log}"
            )
        return False

    def _watch_over(self, components: Sequence[Supervised]) -> None:
        for each in components:
            if each.restart_at is not None:
                if time.time() >= each.restart_at:
                    each.start()
                    self._tell_change()
            elif (status := each.exit_status()) is not None:
                self._reporter.ended(each.component.name, status, each.component.log)
                each.plan_restart()
            elif not each.is_ready and each.look():
                self._reporter.ready(each.component.name, each.seconds_since_start)

    def _all(self) -> list[Supervised]:
        return [each for stage in self._stages for each in stage]

    def _tell_change(self) -> None:
        self._changed([each.running for each in self._all() if each.running])


def _stop_stage(stage: Sequence[Supervised]) -> list[str]:
    alive = {
        each.running.process: each.component.name
        for each in stage
        if each.running and each.exit_status() is None
    }
    seconds = max((each.component.stop_seconds for each in stage), default=0.0)
    killed = end(list(alive), deadline_seconds=seconds)
    for each in stage:
        # Takes it out of the table of processes; it has ended already.
        wait_for(lambda each=each: each.exit_status() is not None, 5.0)  # type: ignore[misc]
    return [alive[one] for one in killed]
