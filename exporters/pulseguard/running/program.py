"""The program that is run: forked, held back until everything is ready, waited for."""

import errno
import json
import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NoReturn

from pulseguard.running.errors import CannotStart
from pulseguard.running.guardian import guard

_NOT_FOUND: Final = 127
# Python ignores them, and what is ignored stays so in a new program.
_IGNORED_BY_PYTHON: Final = (signal.SIGPIPE, signal.SIGXFSZ)
# Of a program that stops for the terminal's sake, the shell has to see us stop.
_STOPS_OF_TERMINALS: Final = frozenset({signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})


class Program:
    """A child process in this process' group and session, with its descriptors."""

    def __init__(self, command: Sequence[str], mask: Iterable[int]) -> None:
        """Fork, while there is no other thread; `mask` is what was blocked before."""
        gate, self._gate = os.pipe()
        self._fault, fault = os.pipe()
        self.status: int | None = None
        self._command = command[0]
        self.process = os.fork()
        if not self.process:
            os.close(self._gate)
            _become(command, gate, fault, mask)
        os.close(gate)
        os.close(fault)
        self._guardian = guard(self.process, (self._gate, self._fault))
        _let_go_of_streams()

    def release(self, variables: Mapping[str, str]) -> None:
        """Let it begin, with these variables added to its environment; CannotStart where not."""
        with os.fdopen(self._gate, "w") as gate:
            gate.write(json.dumps(dict(variables)))
        with os.fdopen(self._fault) as fault:
            said = fault.read()
        if said:
            os.waitpid(self.process, 0)
            raise CannotStart(self._command, OSError(int(said), os.strerror(int(said))))

    def look(self) -> bool:
        """Whether it has ended; its wait status is `status` then."""
        try:
            while self.status is None:
                # Whichever child: as the first process of a container we get orphans.
                process, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
                if not process:
                    break
                if process == self.process:
                    self._note(status)
        except ChildProcessError:
            self.status = 0
        return self.status is not None

    def send(self, number: int) -> None:
        """Pass a signal on; nothing where it has just ended."""
        if self.status is None:
            os.kill(self.process, number)

    def _note(self, status: int) -> None:
        if not os.WIFSTOPPED(status):
            self.status = status
        elif os.WSTOPSIG(status) in _STOPS_OF_TERMINALS:
            os.kill(os.getpid(), signal.SIGSTOP)


def _let_go_of_streams() -> None:
    """They are the program's: whoever reads waits for its end, not for ours."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nothing, descriptor)
    os.close(nothing)


def _become(command: Sequence[str], gate: int, fault: int, mask: Iterable[int]) -> NoReturn:
    """In the child: be the program, or say why not."""
    try:
        with os.fdopen(gate) as told:
            variables = told.read()
        if variables:
            _restore_signals(mask)
            os.execvpe(command[0], list(command), {**os.environ, **json.loads(variables)})
    except OSError as error:
        os.write(fault, str(error.errno or errno.ENOEXEC).encode())
    finally:
        os._exit(_NOT_FOUND)


def _restore_signals(mask: Iterable[int]) -> None:
    for number in _IGNORED_BY_PYTHON:
        signal.signal(number, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
