"""docker/watched, under which every service of docker-compose.yml runs, and docker/answers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.compose.compose_file import REPOSITORY
from tests.started_program import eventually, free_port

WATCHED = REPOSITORY / "docker" / "watched"
ANSWERS = REPOSITORY / "docker" / "answers"
KILLED = 128 + signal.SIGKILL

Process = subprocess.Popen[str]
Watch = Callable[..., Process]


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Runs a command under it, looked at every tenth of a second."""
    started: list[Process] = []

    def run(command: Sequence[str], alive: str, **environment: str) -> Process:
        quick = {"LOOK_SECONDS": "0.1", "SHORTEST_RUN_SECONDS": "0"}
        process = subprocess.Popen(
            ["sh", str(WATCHED), *command],
            env={**os.environ, "ALIVE": alive, **quick, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        with suppress(ProcessLookupError):  # all that it has started is in its session
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def server(watch: Watch, tmp_path: Path) -> tuple[Process, int]:
    """A web server under it, which answers, and its port."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    process = watch(command, f"timeout 0.5 {ANSWERS} {port} /", START_SECONDS="5")
    eventually(lambda: answers(port, "/"))
    return process, port


def answers(port: int, path: str, *status: str) -> bool:
    command = [str(ANSWERS), str(port), path, *status]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


def test_what_hangs_is_ended_and_its_end_said(watch: Watch, tmp_path: Path) -> None:
    flag = tmp_path / "alive"
    flag.touch()
    process = watch(["sleep", "1000"], f"[ -e '{flag}' ]")
    time.sleep(1)
    assert process.poll() is None

    flag.unlink()
    _, said = process.communicate(timeout=10)

    assert process.returncode == KILLED
    assert "has failed 5 times in a row: the program does not do its work, and is ended" in said


def test_a_server_that_was_stopped_is_ended(server: tuple[Process, int]) -> None:
    process, _ = server
    (python,) = children(process, Path(sys.executable).name)

    os.kill(python, signal.SIGSTOP)

    process.communicate(timeout=20)
    assert process.returncode == KILLED


def test_a_program_has_time_to_start(watch: Watch) -> None:
    slow = watch(["sleep", "1000"], "false", START_SECONDS="60")
    late = watch(["sleep", "1000"], "false", START_SECONDS="0")

    late.communicate(timeout=10)

    assert late.returncode == KILLED
    assert slow.poll() is None


def test_the_status_of_a_program_that_ends_is_passed_on(watch: Watch) -> None:
    process = watch(["sh", "-c", "echo last words; exit 3"], "true")

    said, _ = process.communicate(timeout=10)

    assert (process.returncode, said) == (3, "last words\n")


def test_a_program_is_ended_by_its_own_signal_and_waited_for(watch: Watch) -> None:
    # An interrupt is ignored by what a shell runs in its background, unless it asks for it.
    program = [sys.executable, "-c", _TAKES_ITS_TIME]
    process = watch(program, "true", STOP_SIGNAL="INT")
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"

    process.send_signal(signal.SIGTERM)

    said, _ = process.communicate(timeout=10)
    assert (process.returncode, said) == (7, "ended\n")


_TAKES_ITS_TIME = """
import signal, sys, time
def end(*_):
    time.sleep(1)
    print("ended", flush=True)
    sys.exit(7)
signal.signal(signal.SIGINT, end)
print("up", flush=True)
while True:
    time.sleep(0.1)
"""


def test_what_ends_at_once_is_held_until_docker_forgets_how_often_it_did(watch: Watch) -> None:
    began = time.monotonic()
    process = watch(["false"], "true", SHORTEST_RUN_SECONDS="3")
    asked_to_end = watch(["false"], "true", SHORTEST_RUN_SECONDS="1000")
    process.communicate(timeout=10)

    assert process.returncode == 1
    assert 1.5 < time.monotonic() - began < 6
    asked_to_end.send_signal(signal.SIGTERM)
    assert asked_to_end.wait(timeout=5) == 1


@pytest.mark.parametrize(
    ("alive", "ready", "status"),
    [("true", "", 0), ("false", "", 1), ("true", "false", 1), ("false", "true", 0)],
)
def test_docker_is_told_whether_it_is_ready_or_else_alive(
    alive: str, ready: str, status: int
) -> None:
    environment = {**os.environ, "ALIVE": alive} | ({"READY": ready} if ready else {})

    asked = subprocess.run(["sh", str(WATCHED), "--healthy"], env=environment)

    assert asked.returncode == status


def test_an_answer_is_one_of_any_status_or_of_the_wanted_one(server: tuple[Process, int]) -> None:
    _, port = server

    assert answers(port, "/")
    assert answers(port, "/", "200")
    assert answers(port, "/none")
    assert not answers(port, "/none", "200")
    assert not answers(free_port(), "/")


def test_both_can_be_run_as_they_are_in_the_checkout() -> None:
    for script in (WATCHED, ANSWERS):
        assert script.stat().st_mode & 0o111 == 0o111


def children(process: Process, name: str) -> list[int]:
    """The processes of this name that it runs."""
    ids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(id) for id in ids if Path(f"/proc/{id}/comm").read_text().strip() == name]
