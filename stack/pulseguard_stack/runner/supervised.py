"""One component that is kept running, and the process that it is at the moment."""

import subprocess
import time
from collections.abc import Mapping

from pulseguard_stack.runner.component import Component, Start
from pulseguard_stack.runner.logs import begin_log, last_words
from pulseguard_stack.runner.processes import Process, end, orphans, process
from pulseguard_stack.runner.run_file import RunningComponent

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
ORPHAN_SECONDS = 5.0
# What has run for this long is well again: its next death is a first one.
STEADY_SECONDS = 60.0


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
        once = () if self.has_been_started else component.once
        # Also where it comes to nothing: the next try is the later for it.
        self._start = Start(time.time(), 0)
        component.clear_away()
        begin_log(component.log)
        with component.log.open("ab") as log:
            self._start = Start(time.time(), log.tell())
            self._popen = subprocess.Popen(
                [*component.command, *once],
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
    def has_been_started(self) -> bool:
        return self.running is not None

    @property
    def seconds_since_start(self) -> float:
        return time.time() - self._start.at

    def exit_status(self) -> int | None:
        """The status of the process, None while it runs."""
        return self._popen.poll() if self._popen else None

    def end_orphans(self) -> None:
        """Ends what its process, which has just ended, has started and left."""
        if self.running:
            end(orphans(self.running.process.pid), deadline_seconds=ORPHAN_SECONDS)

    def look(self) -> bool:
        """Whether it is ready now; once ready it is not asked again until its next start."""
        self.is_ready = self.is_ready or self.component.is_ready(self._start)
        return self.is_ready

    def last_words(self) -> str:
        """The last line that it has written since its start; "" where there is none."""
        return last_words(self.component.log, self._start.log_bytes)

    def plan_restart(self) -> None:
        """Sets the time of its next start: the more often it dies, the later."""
        if self.seconds_since_start > STEADY_SECONDS:
            self._pause = FIRST_PAUSE_SECONDS
        self.restart_at = time.time() + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
