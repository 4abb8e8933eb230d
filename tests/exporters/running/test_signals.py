"""Signals reach the program under `pulseguard run` as often as they would without it."""

import os
import pty
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exporters.observing import wait_until
from tests.exporters.running.conftest import PULSEGUARD, Runner, line

# Says each signal that it gets; ends on SIGUSR2, and stops for good on what nobody can catch.
LISTENER = """
import os, signal, sys
heard = {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1,
         signal.SIGUSR2, signal.SIGALRM, signal.SIGWINCH, signal.SIGCONT, signal.SIGTSTP,
         signal.SIGRTMIN, signal.SIGRTMIN + 3}
signal.pthread_sigmask(signal.SIG_BLOCK, heard)
print(os.getpid(), flush=True)
while True:
    number = signal.sigwait(heard)
    print(int(number), flush=True)
    if number == signal.SIGUSR2:
        sys.exit(0)
"""
HEARD = ("HUP", "INT", "QUIT", "TERM", "USR1", "ALRM", "WINCH", "CONT", "TSTP")
NUMBERS = [*(getattr(signal, f"SIG{name}") for name in HEARD), signal.SIGRTMIN + 3]


def test_a_signal_arrives_once(runner: Runner) -> None:
    process = runner.python(LISTENER)
    line(process)
    heard = []

    for number in NUMBERS:
        process.send_signal(number)
        heard.append(line(process))
    process.send_signal(signal.SIGUSR2)

    assert heard == [str(int(number)) for number in NUMBERS]
    assert line(process) == str(int(signal.SIGUSR2))
    assert process.wait(10) == 0


def test_a_signal_before_the_program_has_begun_is_not_lost(runner: Runner) -> None:
    process = runner.start("--", "sleep", "60")

    # By then it has its hands on signals, and the program has hardly begun.
    wait_until(lambda: _blocks(process.pid, signal.SIGTERM))
    process.terminate()

    assert process.wait(10) == -signal.SIGTERM


def test_what_the_program_sends_to_its_group_comes_to_it_once(runner: Runner) -> None:
    # One of those that are queued: of others two may be taken in as one.
    to_group = LISTENER.replace("while True", "os.kill(0, signal.SIGRTMIN)\nwhile True")
    process = runner.python(to_group, start_new_session=True)
    line(process)
    first = line(process)

    # What was passed on wrongly would have come before this.
    wait_until(lambda: not _pending(process.pid))
    process.send_signal(signal.SIGRTMIN + 3)
    second = line(process)
    process.send_signal(signal.SIGUSR2)

    assert (first, second) == (str(int(signal.SIGRTMIN)), str(int(signal.SIGRTMIN + 3)))


def test_what_nohup_ignores_stays_ignored(runner: Runner) -> None:
    ignored = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
    show = "import signal; print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, flush=True)"
    process = runner.python(f"{show}\ninput()", **ignored)
    seen = line(process)

    process.send_signal(signal.SIGHUP)
    process.communicate("on\n", timeout=10)

    assert seen == "True"
    assert process.returncode == 0


def test_who_stops_the_program_alone_does_not_stop_its_runner(runner: Runner) -> None:
    process = runner.python("import os\nprint(os.getpid(), flush=True)\ninput()")
    program = int(line(process))

    os.kill(program, signal.SIGSTOP)
    wait_until(lambda: _state(program) == "T")

    # A debugger stops the program, not what measures it.
    assert _state(process.pid) in "SR"
    os.kill(program, signal.SIGCONT)
    process.communicate("\n", timeout=10)
    assert process.returncode == 0


class Terminal:
    """A terminal with a program in its foreground, and a shell's place in between."""

    def __init__(self, runner: Runner, *command: str) -> None:
        self.process, self._descriptor = pty.fork()
        if not self.process:
            # A job of its own within the session, as an interactive shell starts it.
            try:
                _be_shell([PULSEGUARD, "run", *command], runner.environment)
            finally:
                os._exit(99)
        self._said = b""

    def read_until(self, text: str) -> str:
        """What was said up to this text."""
        deadline = time.monotonic() + 20
        while text.encode() not in self._said:
            assert time.monotonic() < deadline, self._said
            try:
                self._said += os.read(self._descriptor, 4096)
            except OSError as error:  # nobody holds the other end
                raise AssertionError(self._said) from error
        before, found, self._said = self._said.partition(text.encode())
        return (before + found).decode()

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def close(self) -> None:
        os.close(self._descriptor)
        os.waitpid(self.process, 0)


def _be_shell(command: list[str], environment: dict[str, str]) -> None:
    """Run it as the foreground job, say when it stops, bring it back on a line, say its end."""
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = os.fork()
    if not job:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execvpe(command[0], command, environment)
    while True:
        _, status = os.waitpid(job, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            break
        os.tcsetpgrp(0, os.getpgrp())
        os.write(1, b"shell: stopped\n")
        os.read(0, 100)
        os.tcsetpgrp(0, job)
        os.killpg(job, signal.SIGCONT)
    os.tcsetpgrp(0, os.getpgrp())
    os.write(1, b"shell: ended %d\n" % os.waitstatus_to_exitcode(status))


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "listener.py"
    path.write_text(LISTENER)
    return path


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.close()


def test_a_terminal_stays_a_terminal(runner: Runner, terminals: list[Terminal]) -> None:
    show = (
        "import os, sys\n"
        "print(*map(os.isatty, range(3)), os.tcgetpgrp(0) == os.getpgrp())\n"
        "print(repr(sys.stdin.readline()))"
    )
    terminal = Terminal(runner, "--", sys.executable, "-c", show)
    terminals.append(terminal)

    seen = terminal.read_until("\n")
    terminal.type("typed\n")

    assert seen.strip() == "True True True True"
    assert "'typed\\n'" in terminal.read_until("shell: ended 0")


@pytest.mark.parametrize(("key", "number"), [("\x03", signal.SIGINT), ("\x1c", signal.SIGQUIT)])
def test_a_key_that_signals_does_so_once(
    runner: Runner, script: Path, terminals: list[Terminal], key: str, number: int
) -> None:
    terminal = Terminal(runner, "--", sys.executable, str(script))
    terminals.append(terminal)
    program = int(terminal.read_until("\n"))

    terminal.type(key)
    heard = terminal.read_until(f"{int(number)}\r\n")
    # What was passed on wrongly would come before the next one.
    wait_until(lambda: not _pending(_parent(program)))
    os.kill(_parent(program), signal.SIGUSR2)

    heard += terminal.read_until("shell: ended 0")
    assert re.findall(r"\d+(?=\r)", heard) == [str(int(number)), str(int(signal.SIGUSR2))]


def test_ctrl_z_stops_both_and_fg_brings_both_back(
    runner: Runner, terminals: list[Terminal]
) -> None:
    code = "import os\nprint(os.getpid(), flush=True)\nprint('got', input())"
    terminal = Terminal(runner, "--", sys.executable, "-c", code)
    terminals.append(terminal)
    program = int(terminal.read_until("\n"))
    wrapper = _parent(program)

    terminal.type("\x1a")
    terminal.read_until("shell: stopped")
    stopped = _state(program), _state(wrapper)
    terminal.type("fg\n")
    wait_until(lambda: _state(program) == "S")
    terminal.type("more\n")

    assert stopped == ("T", "T")
    assert "got more" in terminal.read_until("shell: ended 0")


def test_ctrl_c_ends_a_program_that_looks_after_nothing(
    runner: Runner, terminals: list[Terminal]
) -> None:
    terminal = Terminal(runner, "--", "sh", "-c", "echo there; exec sleep 60")
    terminals.append(terminal)
    terminal.read_until("there")
    wait_until(runner.agents)

    terminal.type("\x03")

    terminal.read_until(f"shell: ended -{int(signal.SIGINT)}")
    wait_until(lambda: "goodbye" in runner.states())


def _status(process: int) -> dict[str, str]:
    text = Path(f"/proc/{process}/status").read_text()
    return dict(each.split(":\t", 1) for each in text.splitlines() if ":\t" in each)


def _state(process: int) -> str:
    return _status(process)["State"][0]


def _parent(process: int) -> int:
    return int(_status(process)["PPid"])


def _blocks(process: int, number: int) -> bool:
    return bool(int(_status(process)["SigBlk"], 16) >> (number - 1) & 1)


def _pending(process: int) -> bool:
    status = _status(process)
    return bool(int(status["ShdPnd"], 16) | int(status["SigPnd"], 16))
