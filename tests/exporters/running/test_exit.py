"""A program under `pulseguard run` is what it was: status, streams, environment, descriptors."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.exporters.fake_registry import FakeRegistry
from tests.exporters.observing import wait_until
from tests.exporters.running.conftest import Runner, line, process_exists


@pytest.mark.parametrize("status", [0, 3])
def test_the_exit_status_passes_through(runner: Runner, status: int) -> None:
    ran = runner.run("--", "sh", "-c", f"exit {status}")

    assert ran.returncode == status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV])
def test_the_end_by_a_signal_is_the_same_end(runner: Runner, number: int) -> None:
    ran = runner.run("--", "sh", "-c", f"kill -{int(number)} $$")

    assert ran.returncode == -number


def test_a_shell_sees_128_and_the_signal(runner: Runner) -> None:
    inner = "pulseguard run -- sh -c 'kill -TERM $$'; echo $?"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    shell = subprocess.run(
        ["sh", "-c", inner],
        env={**runner.environment, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )

    assert shell.stdout == "143\n"


def test_a_missing_program_is_127_and_one_line(runner: Runner, registry: FakeRegistry) -> None:
    ran = runner.run("--", "no-such-program")

    assert ran.returncode == 127
    assert ran.stderr == "pulseguard run: no-such-program: No such file or directory\n"
    assert registry.requests == []


def test_what_cannot_be_executed_is_126_and_one_line(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")

    ran = runner.run("--", str(tmp_path / "text"))

    assert ran.returncode == 126
    assert ran.stderr == f"pulseguard run: {tmp_path}/text: Permission denied\n"


def test_what_is_executable_and_no_program_is_126(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    (tmp_path / "text").chmod(stat.S_IRWXU)

    ran = runner.run("--", str(tmp_path / "text"))

    assert ran.returncode == 126
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "say what to run"),
        (("--",), "say what to run"),
        (("--instrument", "openai,fortran", "--", "true"), "fortran is unknown"),
        (("--type", "ROBOT", "--", "true"), "invalid choice"),
    ],
)
def test_what_cannot_be_used_is_said(runner: Runner, arguments: tuple[str, ...], said: str) -> None:
    ran = runner.run(*arguments)

    assert ran.returncode == 2
    assert said in ran.stderr


@pytest.mark.parametrize("separator", [("--",), ()])
def test_the_arguments_are_the_programs(runner: Runner, separator: tuple[str, ...]) -> None:
    command = ("sh", "-c", 'echo "$@"', "sh", "--name", "x", "--", "-h")

    ran = runner.run("--name", "echo", *separator, *command)

    assert ran.stdout == "--name x -- -h\n"


def test_the_streams_are_the_programs(runner: Runner) -> None:
    process = runner.start("--", "sh", "-c", "cat; echo told >&2")

    out, err = process.communicate("a\0b\nwithout an end of line", timeout=20)

    assert out == "a\0b\nwithout an end of line"
    assert err == "told\n"


def test_the_environment_is_kept(runner: Runner) -> None:
    odd = "\udcff=;\n "
    runner.variables = {"ODD": odd, "PULSEGUARD_TEAM": "finance"}
    show = "import os, json; print(json.dumps(dict(os.environ)))"

    ran = runner.run("--", sys.executable, "-c", show)

    seen = json.loads(ran.stdout)
    ours = {"PULSEGUARD_RUN", "PYTHONPATH", "LC_CTYPE"}
    assert {name: seen[name] for name in seen if name not in ours} == runner.environment


def test_descriptors_and_dispositions_are_inherited(runner: Runner) -> None:
    reader, writer = os.pipe()
    show = (
        f"import os, signal; os.write({writer}, b'here')\n"
        "print(os.listdir('/proc/self/fd'), open('/proc/self/status').read())"
    )
    plain = subprocess.run(
        [sys.executable, "-c", show], pass_fds=[writer], capture_output=True, text=True, check=True
    )

    ran = runner.run("--", sys.executable, "-c", show, pass_fds=[writer])

    assert os.read(reader, 100) == b"herehere"
    os.close(reader)
    os.close(writer)

    def told(text: str) -> list[str]:
        wanted = ("[", "SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd")
        return [each for each in text.splitlines() if each.startswith(wanted)]

    assert told(ran.stdout)[1:] == told(plain.stdout)[1:]
    # Python ignores some by itself; what others get is to be seen in others.
    status = ["cat", "/proc/self/status"]
    other = subprocess.run(status, capture_output=True, text=True, check=True)
    assert told(runner.run("--", *status).stdout) == told(other.stdout)
    assert len(told(ran.stdout)[0]) == len(told(plain.stdout)[0])


def test_it_leaves_nothing_behind(runner: Runner, tmp_path: Path) -> None:
    runner.run("--", "true")

    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in left if path.parent.name != "pulseguard-slots"] == []
    assert list(tmp_path.glob("pulseguard-*/*")) == [*tmp_path.glob("pulseguard-slots/*")]


def test_a_program_is_told_to_end_when_its_runner_is_killed(runner: Runner) -> None:
    process = runner.start("--", "sh", "-c", "trap 'echo told; exit' TERM; echo $$; read x")
    program = int(line(process))

    process.kill()

    assert line(process) == "told"
    process.wait()
    wait_until(lambda: not process_exists(program))


def test_who_reads_what_it_writes_waits_for_the_program_alone(runner: Runner) -> None:
    process = runner.start("--", "sh", "-c", "echo all; exec >&-; read x")
    assert process.stdout is not None

    said = process.stdout.read()

    assert said == "all\n"
    assert process.poll() is None
