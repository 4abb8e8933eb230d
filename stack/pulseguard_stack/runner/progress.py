"""What the runner says: on the screen, with a spinner where that is a terminal, and in its log."""

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.status import Status
from rich.text import Text

from pulseguard_stack.reach import unreached
from pulseguard_stack.runner.logs import begin_log
from pulseguard_stack.runner.places import Places
from pulseguard_stack.runner.run_file import Addresses


class Screen(Console):
    """A console that goes quiet when its reader ends; rich would end this very process then."""

    def on_broken_pipe(self) -> None:
        with suppress(SystemExit):
            super().on_broken_pipe()


class Progress:
    """Tells of the start, the deaths and the end of the stack's components."""

    def __init__(self, console: Console, log: Path) -> None:
        self._console = console
        self._log = log
        self._on_screen = True
        self._held: list[str] | None = None
        self._status: Status | None = None
        self._waited_for: set[str] = set()

    def begin_log(self) -> None:
        """Begins the log of a run; OSError where it cannot be written, which later on is no end."""
        begin_log(self._log)
        try:
            self._write("pulseguard up")
        except OSError as problem:
            problem.filename = str(self._log)
            raise

    def step(self, text: str) -> None:
        """What is being done now; shown on a terminal only, until the next step."""
        if not self._console.is_terminal or not self._on_screen:
            return
        with self._unless_it_is_gone():
            if self._status is None:
                self._status = self._console.status(Text(text))
                self._status.start()
            else:
                self._status.update(Text(text))

    def starting(self, names: Sequence[str], saying: str) -> None:
        what = f"starting {', '.join(names)} …"
        self.step(f"{what} {saying}" if saying else what)
        # Once in the log and where no spinner turns as well: a pipe, a terminal that cannot.
        if "error" in saying.lower() and names[0] not in self._waited_for:
            self._waited_for.add(names[0])
            self.say(f"  {names[0]:<20} is not ready yet: {saying}")

    def ready(self, name: str, seconds: float) -> None:
        self.say(f"  {name:<20} ready after {seconds:.1f} s")

    def ended(self, name: str, status: int, log: Path) -> None:
        self.say(f"  {name:<20} died ({_spoken(status)}) and starts again; its log is {log}")

    def not_restarted(self, name: str, problem: OSError) -> None:
        self.say(f"  {name:<20} cannot be started again ({problem}); it is tried on")

    def given_up(self, name: str, reason: str) -> None:
        self.say(f"  {name:<20} is left out, the rest runs on: {reason}")

    def say(self, text: str) -> None:
        """A line, above the spinner where there is one."""
        if self._held is not None:
            self._held.append(text)
        else:
            self._print(text)
        self.note(text)

    def note(self, text: str) -> None:
        """A line for the log alone; a full disk must not end what is running."""
        with suppress(OSError):
            self._write(text)

    def hold(self) -> None:
        """Somebody else has the screen: keep for later what is to be written there."""
        self._held = []

    def release(self) -> None:
        """The screen is ours again: write what was kept."""
        held, self._held = self._held or [], None
        for text in held:
            self._print(text)

    def leave_screen(self) -> None:
        """From now on only the log is told."""
        self.quiet()
        self._on_screen = False

    def quiet(self) -> None:
        """Takes the spinner away."""
        status, self._status = self._status, None
        if status is not None:
            with self._unless_it_is_gone():
                status.stop()

    def _print(self, text: str) -> None:
        if self._on_screen:
            with self._unless_it_is_gone():
                self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _write(self, text: str) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now().isoformat(' ', 'seconds')} {text.strip()}\n")

    @contextmanager
    def _unless_it_is_gone(self) -> Iterator[None]:
        """A terminal that was closed must not keep us from stopping what we have started."""
        try:
            yield
        except OSError:
            self._on_screen = False


def summary(
    addresses: Addresses,
    places: Places,
    agent_file: Path,
    *,
    database: str,
    demo: bool,
    no_grafana: str | None,
    alertmanager_has_page: bool,
    receivers: Sequence[str],
    stop: str,
) -> str:
    """Where everything is, for the user who has just started it; `no_grafana` says why not."""
    api_alone = "" if alertmanager_has_page else "  (API; Debian's has no web page)"
    rows = [
        ("registry", f"{addresses.registry_url}  (its API: /docs)"),
        ("database", database),
        ("Prometheus", addresses.prometheus_url),
        ("Alertmanager", f"{addresses.alertmanager_url}{api_alone}"),
    ]
    unreached_alerts = unreached(receivers)
    told = f"alerts go to {', '.join(receivers)}; try it: {_own_program()} alerts test"
    mend = f"{unreached_alerts}; see docs/alerting.md"
    rows.append(("receivers", mend if unreached_alerts else told))
    if addresses.grafana_url:
        rows.append(("Grafana", f"{addresses.grafana_url}  (admin: {places.grafana_password})"))
    elif no_grafana:
        rows.append(("Grafana", f"is not run: {no_grafana}; see docs/troubleshooting.md"))
    if addresses.model_server_url:
        rows.append(("model server", f"{addresses.model_server_url}  (simulated)"))
    rows += [
        ("keys", f"{places.keys}, admin: {places.admin_key}"),
        ("your agents", f"find the registry by themselves, through {agent_file}"),
        ("look", f"{_own_program()} status, {_own_program()} dashboards preview fleet"),
        ("logs", str(places.logs)),
        ("stop", stop),
    ]
    fleet = 'five agents, environment "demo", a simulated fleet' if demo else "no demo agents"
    lines = [f"PulseGuard is running: {fleet}."]
    return "\n".join([*lines, *(f"  {name:<14}{text}" for name, text in rows)])


def _own_program() -> Path:
    """`pulseguard`, as it is typed in the folder where the stack was started."""
    program = Path(sys.executable).with_name("pulseguard")
    here = Path.cwd()
    return program.relative_to(here) if program.is_relative_to(here) else program


def _spoken(status: int) -> str:
    if status >= 0:
        return f"status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
