"""The program from its start to its end, with the agent that stands for it."""

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from pulseguard.description import AgentType
from pulseguard.group.folder import Folder
from pulseguard.guard import LOGGER
from pulseguard.recording.labels import clean_line
from pulseguard.running.errors import CannotStart
from pulseguard.running.observer import Observer
from pulseguard.running.own_agent import OTHER
from pulseguard.running.process_tree import is_within
from pulseguard.running.program import Program
from pulseguard.running.run import OWN_AGENT, PYTHON, VARIABLE, WITHOUT_PULSEGUARD, Run, run_folder
from pulseguard.running.signals import Reception

SITE: Final = Path(__file__).with_name("site")
# So long a program has to start an agent of its own before one is registered for it.
SECONDS_FOR_OWN_AGENT = 3.0
# So long it has to turn out to be Python, without which it can have none.
_SECONDS_FOR_PYTHON: Final = 0.5
_SECONDS_BETWEEN_LOOKS: Final = 0.5


class Wishes(NamedTuple):
    """What the operator says about the agent; None and empty: nothing."""

    name: str
    version: str
    type: AgentType
    team: str | None
    environment: str | None
    instance: str | None
    libraries: tuple[str, ...]


def supervise(program: Program, reception: Reception, wishes: Wishes) -> int:
    """Let the program begin and wait for its end: its wait status. CannotStart where it is none."""
    _log_to_stderr()
    observer = _observer(wishes)
    observer.begin(program.process)
    with _folder() as folder:
        try:
            program.release(_variables(wishes, observer, folder, program.process))
        except CannotStart:
            observer.withdraw(goodbye=False)
            raise
        return _Watch(program, reception, observer, folder).wait()


class _Watch:
    """Passes signals on, and tells the observer what becomes of the program."""

    def __init__(
        self, program: Program, reception: Reception, observer: Observer, folder: Folder | None
    ) -> None:
        self._program = program
        self._reception = reception
        self._observer: Observer | None = observer
        self._folder = folder
        self._began = self._looked_at = time.monotonic()
        self._has_told = False

    def wait(self) -> int:
        """The wait status of the program, once its agent is through with its end."""
        while not self._program.look():
            received = self._reception.wait(_SECONDS_BETWEEN_LOOKS)
            if received is not None and self._reception.is_for_program(received, self._is_within):
                self._program.send(received.number)
            if time.monotonic() - self._looked_at >= _SECONDS_BETWEEN_LOOKS:
                self._look()
        status = self._program.status
        assert status is not None
        self._read_words()
        if self._observer is not None:
            self._observer.end(failed=status != 0 and not self._reception.explains(status))
        return status

    def _look(self) -> None:
        self._looked_at = time.monotonic()
        self._read_words()
        if self._observer is not None and self._has_had_its_time():
            self._observer.speak()
            self._observer.watch()

    def _has_had_its_time(self) -> bool:
        """Whether an agent of the program's own would be there by now."""
        seconds = self._looked_at - self._began
        if self._folder is not None and self._folder.version(PYTHON) is None:
            return seconds >= _SECONDS_FOR_PYTHON
        return seconds >= SECONDS_FOR_OWN_AGENT

    def _read_words(self) -> None:
        """What the processes of the run have left word of."""
        if self._folder is None or self._observer is None:
            return
        word = self._folder.read(OWN_AGENT)
        if word is not None:
            self._observer.withdraw(goodbye=word == OTHER.encode())
            self._observer = None
        python = self._folder.read(WITHOUT_PULSEGUARD)
        if python is not None and not self._has_told:
            self._has_told = True
            LOGGER.warning(
                "%s has no PulseGuard that it can import: the model calls of this program are not"
                " measured, its processes are; install pulseguard-monitor there",
                clean_line(python.decode("utf-8", "replace")),
            )

    def _is_within(self, process: int) -> bool:
        return process > 0 and is_within(process, self._program.process)


def _observer(wishes: Wishes) -> Observer:
    return Observer(
        wishes.name,
        version=wishes.version,
        type=wishes.type,
        team=wishes.team,
        environment=wishes.environment,
        instance=wishes.instance,
        # Whether a program from outside makes progress nobody can tell.
        stuck_after_seconds=0,
    )


@contextlib.contextmanager
def _folder() -> Iterator[Folder | None]:
    """Where the program's processes leave word; None where there can be no such folder."""
    try:
        folder = run_folder(os.getpid())
        # So long nobody clears it away.
        folder.lock()
    except OSError as error:
        LOGGER.warning("what is within the program is not measured: %s", error)
        yield None
        return
    try:
        yield folder
    finally:
        folder.remove_all()
        folder.close()


def _variables(
    wishes: Wishes, observer: Observer, folder: Folder | None, process: int
) -> dict[str, str]:
    """What the program's environment has that ours has not."""
    told = {
        "PULSEGUARD_TEAM": wishes.team,
        "PULSEGUARD_ENVIRONMENT": wishes.environment,
        "PULSEGUARD_INSTANCE": wishes.instance,
    }
    variables = {name: value for name, value in told.items() if value}
    if folder is None:
        return variables
    run = Run(
        observer.name,
        wishes.version,
        wishes.type,
        observer.environment,
        observer.instance,
        observer.team,
        wishes.libraries,
        str(folder.path),
        process,
    )
    variables[VARIABLE] = run.encode()
    if wishes.libraries:
        # Not with an empty end, which would stand for the current folder.
        paths = (str(SITE), os.environ.get("PYTHONPATH", ""))
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    return variables


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("pulseguard run: %(message)s"))
    LOGGER.addHandler(handler)
    LOGGER.propagate = False
