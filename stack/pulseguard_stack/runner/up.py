"""`pulseguard up`: the whole stack on this machine, until it is told to stop."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from rich.console import Console

from pulseguard.settings_file import settings_file
from pulseguard_stack.errors import CannotStart, StackError
from pulseguard_stack.runner import plan
from pulseguard_stack.runner.access_keys import ensure_keys
from pulseguard_stack.runner.agent_file import remove_agent_file, write_agent_file
from pulseguard_stack.runner.configuration import write_configuration, write_configuration_keys
from pulseguard_stack.runner.detaching import leave_terminal, run_detached
from pulseguard_stack.runner.leftovers import end_leftovers
from pulseguard_stack.runner.lock import RunnerLock
from pulseguard_stack.runner.places import Places
from pulseguard_stack.runner.ports import claim_ports
from pulseguard_stack.runner.processes import MARK, process
from pulseguard_stack.runner.progress import Progress, summary
from pulseguard_stack.runner.requirements import find_programs, require_database
from pulseguard_stack.runner.run_file import Addresses, Run, RunningComponent, read_run, write_run
from pulseguard_stack.runner.settings import Settings, read_up_settings
from pulseguard_stack.runner.stop_request import StopRequest
from pulseguard_stack.runner.supervision import Supervision

LOOK_SECONDS = 0.2
VIEW_STOP_SECONDS = 1.5
INTERRUPTED = 130


def main(argv: Sequence[str]) -> int:
    """Runs the stack; 0 when it was stopped, or with --detach is ready; 1 when it cannot run."""
    settings = read_up_settings(argv, os.environ)
    if settings.detach:
        return run_detached(lambda ready: _run(settings, ready))
    return _run(settings, None)


def _run(settings: Settings, detach: Callable[[], None] | None) -> int:
    stop = StopRequest()
    stop.install()
    try:
        with ExitStack() as parts:
            _Stack(settings, stop, parts).run(detach)
    except StackError as problem:
        sys.stderr.write(f"pulseguard up: {problem}\n")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


class _Stack:
    """One run, from the first check to the last process; `parts` undoes what was done."""

    def __init__(self, settings: Settings, stop: StopRequest, parts: ExitStack) -> None:
        self._settings = settings
        self._stop = stop
        self._parts = parts
        self._places = Places(settings.data_dir)
        self._agent_file = settings_file(os.environ)
        self._progress = Progress(Console(), self._places.log("runner"))
        self._parts.callback(self._progress.quiet)

    def run(self, detach: Callable[[], None] | None) -> None:
        addresses, programs = self._prepare()
        self._stop.hold()
        supervision = self._supervision(addresses)
        write_configuration(addresses, self._places)
        for number, stage in enumerate(plan.stages(addresses, self._places, programs)):
            supervision.start(stage)
            if self._stop.is_made():
                return
            if number == 0:
                self._registry_is_ready(addresses)
        self._progress.quiet()
        self._show(addresses)
        if detach:
            self._detach(detach)
        self._watch(supervision, view=detach is None and sys.stdout.isatty())

    def _prepare(self) -> tuple[Addresses, plan.Programs]:
        """Everything that can fail before a process is started."""
        require_database(self._settings.data_dir, os.environ)
        self._places.make_folders()
        self._take_lock()
        self._progress.step("looking for what an earlier run has left …")
        if count := end_leftovers(self._places):
            self._progress.say(f"  ended {count} processes that a killed run had left")
        ports = claim_ports(self._settings.ports)
        self._progress.step(
            "looking for Prometheus and Alertmanager; the first time fetches them …"
        )
        return plan.addresses(ports), find_programs()

    def _take_lock(self) -> None:
        lock = RunnerLock(self._places.lock_file)
        if not lock.take():
            raise CannotStart(_already_running(lock, self._places))
        self._parts.callback(lock.release)

    def _supervision(self, addresses: Addresses) -> Supervision:
        def note(components: Sequence[RunningComponent]) -> None:
            write_run(self._places.run_file, self._described(addresses, components))

        supervision = Supervision(
            self._places.stack, self._progress, stopping=self._stop.is_made, changed=note
        )
        note([])
        self._parts.callback(self._places.run_file.unlink, missing_ok=True)
        self._parts.callback(end_leftovers, self._places)
        self._parts.callback(self._end, supervision)
        return supervision

    def _described(self, addresses: Addresses, components: Sequence[RunningComponent]) -> Run:
        me = process(os.getpid())
        # This very process: /proc has it as long as it can ask.
        assert me
        viewer = self._places.key("viewer")
        return Run(addresses, viewer, self._settings.demo, me, components)

    def _registry_is_ready(self, addresses: Addresses) -> None:
        ensure_keys(addresses.registry_url, self._places)
        write_configuration_keys(self._places)
        write_agent_file(self._agent_file, addresses, self._places.key("agent"))
        self._parts.callback(remove_agent_file, self._agent_file, addresses)

    def _show(self, addresses: Addresses) -> None:
        shown = summary(addresses, self._places, self._agent_file, demo=self._settings.demo)
        how = "make down, or pulseguard down"
        how = how if self._settings.detach else f"Ctrl-C here, or {how}"
        self._progress.say(f"{shown}\n  {'stop':<14}{how}")

    def _detach(self, tell: Callable[[], None]) -> None:
        self._progress.leave_screen()
        sys.stdout.flush()
        leave_terminal(self._places.log("runner"))
        tell()

    def _watch(self, supervision: Supervision, *, view: bool) -> None:
        shown = self._start_view() if view else None
        while not self._stop.wait(LOOK_SECONDS):
            supervision.watch()
            if shown and shown.poll() is not None:
                shown = None
                self._progress.release()
                self._progress.say("The live view has ended; the stack runs on. Ctrl-C stops it.")

    def _start_view(self) -> subprocess.Popen[bytes]:
        # In our session: its Ctrl-C comes from the same terminal, and ends both of us.
        environment = {"PULSEGUARD_DATA_DIR": str(self._settings.data_dir)}
        environment[MARK] = str(self._places.stack)
        view = subprocess.Popen(
            plan.command("status", "--watch"), env={**os.environ, **environment}
        )
        self._progress.hold()
        self._parts.callback(self._progress.release)
        self._parts.callback(_end_view, view)
        return view

    def _end(self, supervision: Supervision) -> None:
        self._progress.step("stopping …")
        killed = supervision.stop()
        for name in killed:
            self._progress.say(f"  {name:<20} did not end by itself and was killed")
        self._progress.say("PulseGuard has stopped; its data are kept.")


def _end_view(view: subprocess.Popen[bytes]) -> None:
    # A Ctrl-C has reached it as well: a second signal would keep it from restoring the terminal.
    if _has_ended(view):
        return
    view.terminate()
    if not _has_ended(view):
        view.kill()
        view.wait()


def _has_ended(view: subprocess.Popen[bytes]) -> bool:
    try:
        view.wait(VIEW_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def _already_running(lock: RunnerLock, places: Places) -> str:
    holder, run = lock.holder(), read_run(places.run_file)
    by = f" (process {holder.pid})" if holder else ""
    where = (
        f": registry {run.addresses.registry_url}, Prometheus {run.addresses.prometheus_url}"
        if run
        else ""
    )
    return f"it runs already{by}{where}; its log is {places.log('runner')}; `make down` stops it"
