"""What the runner says: on the screen, with a spinner where that is a terminal, and in its log."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.status import Status

from pulseguard_stack.runner.places import Places
from pulseguard_stack.runner.run_file import Addresses


class Progress:
    """Tells of the start, the deaths and the end of the stack's components."""

    def __init__(self, console: Console, log: Path) -> None:
        self._console = console
        self._log = log
        self._on_screen = True
        self._held: list[str] | None = None
        self._status: Status | None = None

    def step(self, text: str) -> None:
        """What is being done now; shown on a terminal only, until the next step."""
        if not self._console.is_terminal or not self._on_screen:
            return
        with self._unless_it_is_gone():
            if self._status is None:
                self._status = self._console.status(text)
                self._status.start()
            else:
                self._status.update(text)

    def starting(self, names: Sequence[str]) -> None:
        self.step(f"starting {', '.join(names)} …")

    def ready(self, name: str, seconds: float) -> None:
        self.say(f"  {name:<20} ready after {seconds:.1f} s")

    def ended(self, name: str, status: int, log: Path) -> None:
        self.say(f"  {name:<20} died ({_spoken(status)}) and starts again; its log is {log}")

    def say(self, text: str) -> None:
        """A line, above the spinner where there is one."""
        if self._held is not None:
            self._held.append(text)
        else:
            self._print(text)
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now().isoformat(' ', 'seconds')} {text.strip()}\n")

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

    @contextmanager
    def _unless_it_is_gone(self) -> Iterator[None]:
        """A terminal that was closed must not keep us from stopping what we have started."""
        try:
            yield
        except OSError:
            self._on_screen = False


def summary(addresses: Addresses, places: Places, agent_file: Path, *, demo: bool) -> str:
    """Where everything is, for the user who has just started it."""
    rows = [
        ("registry", f"{addresses.registry_url}  (its API: /docs)"),
        ("Prometheus", addresses.prometheus_url),
        ("Alertmanager", addresses.alertmanager_url),
    ]
    if addresses.model_server_url:
        rows.append(("model server", f"{addresses.model_server_url}  (simulated)"))
    rows += [
        ("keys", f"{places.keys}, admin: {places.admin_key}"),
        ("your agents", f"find the registry by themselves, through {agent_file}"),
        ("logs", str(places.logs)),
    ]
    fleet = 'five agents, environment "demo", a simulated fleet' if demo else "no demo agents"
    lines = [f"PulseGuard is running: {fleet}."]
    return "\n".join([*lines, *(f"  {name:<14}{text}" for name, text in rows)])


def _spoken(status: int) -> str:
    if status >= 0:
        return f"status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
