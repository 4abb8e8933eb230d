"""`pulseguard up`: the whole stack on this machine, until it is told to stop."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from types import TracebackType

from pulseguard.settings_file import settings_file
from pulseguard_stack.errors import CannotStart, GrafanaMissing, StackError
from pulseguard_stack.runner import plan
from pulseguard_stack.runner.access_keys import ensure_keys
from pulseguard_stack.runner.agent_file import remove_agent_file, write_agent_file
from pulseguard_stack.runner.configuration import (
    write_configuration,
    write_configuration_keys,
    write_grafana_configuration,
)
from pulseguard_stack.runner.database import require_database, require_no_owner
from pulseguard_stack.runner.detaching import leave_terminal, run_detached
from pulseguard_stack.runner.grafana import Grafana, find_grafana
from pulseguard_stack.runner.grafana_component import NAME as GRAFANA
from pulseguard_stack.runner.leftovers import end_leftovers
from pulseguard_stack.runner.lock import RunnerLock
from pulseguard_stack.runner.owned_files import explained
from pulseguard_stack.runner.places import Places, make_folder
from pulseguard_stack.runner.ports import claim_ports
from pulseguard_stack.runner.processes import myself
from pulseguard_stack.runner.progress import Progress, Screen, summary
from pulseguard_stack.runner.requirements import find_programs, require_receivers
from pulseguard_stack.runner.run_file import Addresses, Run, RunningComponent, read_run, write_run
from pulseguard_stack.runner.settings import Settings, read_up_settings, stop_command
from pulseguard_stack.runner.stop_request import StopRequest
from pulseguard_stack.runner.supervision import Supervision
from pulseguard_stack.runner.view import end_view, start_view

LOOK_SECONDS = 0.2
INTERRUPTED = 130


def main(argv: Sequence[str]) -> int:
    """Runs the stack; 0 when it was stopped, or with --detach is ready.

    1 when it cannot run, 130 when it was stopped before it was ready.
    """
    settings = read_up_settings(argv, os.environ)
    if settings.detach:
        return run_detached(lambda ready: _run(settings, ready))
    return _run(settings, None)


def _run(settings: Settings, detach: Callable[[], None] | None) -> int:
    stop = StopRequest()
    stop.install()
    try:
        with ExitStack() as parts:
            was_ready = _Stack(settings, stop, parts).run(detach)
    except StackError as problem:
        sys.stderr.write(f"pulseguard up: {problem}\n")
        return 1
    except OSError as problem:
        sys.stderr.write(f"pulseguard up: {explained(problem)}\n")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0 if was_ready else INTERRUPTED


class _Stack:
    """One run, from the first check to the last process; `parts` undoes what was done."""

    def __init__(self, settings: Settings, stop: StopRequest, parts: ExitStack) -> None:
        self._settings = settings
        self._stop = stop
        self._parts = parts
        self._places = Places(settings.data_dir)
        self._agent_file = settings_file(os.environ)
        self._no_grafana: str | None = None
        self._database = ""
        self._receivers: Sequence[str] = ()
        self._progress = Progress(Screen(), self._places.log("runner"))
        self._parts.callback(self._progress.quiet)

    def run(self, detach: Callable[[], None] | None) -> bool:
        """Whether it was ready before it was to stop."""
        addresses, programs = self._prepare()
        self._stop.hold()
        supervision = self._supervision(addresses)
        write_configuration(addresses, self._places)
        if programs.grafana:
            write_grafana_configuration(self._places)
        new_admin_key = self._settings.new_admin_key
        stages = plan.stages(addresses, self._places, programs, new_admin_key=new_admin_key)
        for number, stage in enumerate(stages):
            supervision.start(stage)
            if self._stop.is_made():
                return False
            if number == 0:
                self._registry_is_ready(addresses)
        self._progress.quiet()
        if GRAFANA in supervision.given_up:
            self._no_grafana = f"it did not start, its log is {self._places.log(GRAFANA)}"
        self._show(addresses, programs)
        if detach:
            self._detach(detach)
        self._watch(supervision, view=detach is None and sys.stdout.isatty())
        return True

    def _prepare(self) -> tuple[Addresses, plan.Programs]:
        """Everything that can fail before a process is started."""
        data_dir = self._settings.data_dir
        self._database = require_database(data_dir, os.environ)
        self._receivers = require_receivers(os.environ)
        self._places.make_folders()
        make_folder(self._agent_file.parent, 0o700, "XDG_STATE_HOME")
        self._take_lock()
        self._progress.begin_log()
        self._progress.step("looking for what an earlier run has left …")
        if count := end_leftovers(self._places):
            self._progress.say(f"  ended {count} processes that a killed run had left")
        require_no_owner(data_dir, os.environ)
        grafana = self._find_grafana()
        left_out = set() if grafana else {GRAFANA}
        wanted = self._settings.ports.items()
        ports = claim_ports({name: port for name, port in wanted if name not in left_out})
        self._progress.step(
            "looking for Prometheus and Alertmanager; the first time fetches them …"
        )
        return plan.addresses(ports), replace(find_programs(), grafana=grafana)

    def _find_grafana(self) -> Grafana | None:
        if not self._settings.grafana:
            return None
        self._progress.step("looking for Grafana …")
        try:
            return find_grafana(
                os.environ, say=lambda text: self._progress.say(f"  {GRAFANA:<20} {text}")
            )
        except GrafanaMissing as problem:
            self._no_grafana = str(problem)
            self._progress.note(f"{GRAFANA:<20} is not run: {problem} {problem.detail}")
            return None

    def _take_lock(self) -> None:
        lock = RunnerLock(self._places.lock_file)
        if not lock.take():
            raise CannotStart(_already_running(lock, self._places))
        self._parts.callback(lock.release)

    def _supervision(self, addresses: Addresses) -> Supervision:
        def note(components: Sequence[RunningComponent]) -> None:
            try:
                write_run(self._places.run_file, self._described(addresses, components))
            except OSError as problem:
                # What runs is found by its mark as well: no reason to end it.
                self._progress.say(f"  {explained(problem)}")

        supervision = Supervision(
            self._places.stack, self._progress, stopping=self._stop.is_made, changed=note
        )
        write_run(self._places.run_file, self._described(addresses, []))
        self._parts.callback(self._places.run_file.unlink, missing_ok=True)
        self._parts.callback(end_leftovers, self._places)
        self._parts.push(partial(self._end, supervision))
        return supervision

    def _described(self, addresses: Addresses, components: Sequence[RunningComponent]) -> Run:
        viewer = self._places.key("viewer")
        if all(each.name != GRAFANA for each in components):
            addresses = replace(addresses, grafana_url=None)
        return Run(addresses, viewer, self._settings.demo, myself(), components)

    def _registry_is_ready(self, addresses: Addresses) -> None:
        ensure_keys(addresses.registry_url, self._places)
        write_configuration_keys(self._places)
        write_agent_file(self._agent_file, addresses, self._places.key("agent"), myself())
        self._parts.callback(remove_agent_file, self._agent_file, addresses)

    def _show(self, addresses: Addresses, programs: plan.Programs) -> None:
        if self._no_grafana:
            addresses = replace(addresses, grafana_url=None)
        stop = stop_command(self._settings.data_dir)
        shown = summary(
            addresses,
            self._places,
            self._agent_file,
            database=self._database,
            demo=self._settings.demo,
            no_grafana=self._no_grafana,
            alertmanager_has_page=programs.alertmanager_has_page,
            receivers=self._receivers,
            stop=stop if self._settings.detach else f"Ctrl-C here, or {stop}",
        )
        self._progress.say(shown)

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
        view = start_view(self._settings.data_dir, self._places.stack)
        self._progress.hold()
        self._parts.callback(self._progress.release)
        self._parts.callback(end_view, view)
        return view

    def _end(
        self,
        supervision: Supervision,
        _kind: type[BaseException] | None,
        problem: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._progress.step("stopping …")
        killed = supervision.stop()
        for name in killed:
            self._progress.say(f"  {name:<20} did not end by itself and was killed")
        if problem is None:
            self._progress.say("PulseGuard has stopped; its data are kept.")
        else:
            # Whoever caught it says so on the screen.
            self._progress.note(f"PulseGuard has stopped: {problem}")


def _already_running(lock: RunnerLock, places: Places) -> str:
    holder, run = lock.holder(), read_run(places.run_file)
    stop = stop_command(places.data_dir)
    by = f" (process {holder.pid})" if holder else ""
    where = (
        f": registry {run.addresses.registry_url}, Prometheus {run.addresses.prometheus_url}"
        if run
        else ""
    )
    return f"it runs already{by}{where}; its log is {places.log('runner')}; stop it with {stop}"
