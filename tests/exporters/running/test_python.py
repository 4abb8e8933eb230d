"""Python programs under `pulseguard run`, with no line of PulseGuard in them."""

from __future__ import annotations

import shlex
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

import pulseguard
from pulseguard.catalog import (
    AGENT_STATE,
    CALLS_IN_PROGRESS,
    OPERATION_DURATION,
    PROCESSES,
    TOKENS,
)
from tests.exporters.instrumentation.model_server import ModelServer, model_server
from tests.exporters.observing import samples, total, wait_until
from tests.exporters.otel.counted import Counted, by_label, served
from tests.exporters.running.conftest import Runner, line

OPENAI = """
import os, sys
from openai import OpenAI
client = OpenAI(base_url=os.environ["MODEL_SERVER"], api_key="none", max_retries=0)
ask = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "how much is it?"}]}
def call():
    client.chat.completions.create(**ask)
    for chunk in client.chat.completions.create(**ask, stream=True): pass
"""
CALLING = f"""{OPENAI}
call()
call()
print("done", flush=True)
sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    with model_server("--first-token-median", "0", "--token-median", "0") as running:
        yield running


@pytest.fixture
def seen(server: ModelServer, runner: Runner) -> int:
    """What the server had answered before; the program knows the way to it."""
    runner.variables = {"MODEL_SERVER": f"{server.url}/v1"}
    return len(server.entries())


def counted(page: str) -> Counted:
    found = samples(page)
    assert found[(CALLS_IN_PROGRESS.name, ())] == 0
    calls = sum(by_label(found, f"{OPERATION_DURATION.name}_count", "").values())
    return Counted(calls, by_label(found, TOKENS.name, "gen_ai_token_type"))


def calls(page: str) -> float:
    return total(page, f"{OPERATION_DURATION.name}_count")


def test_an_openai_agent_shows_what_the_server_served(
    runner: Runner, server: ModelServer, seen: int
) -> None:
    process = runner.python(CALLING)
    line(process)
    wait_until(lambda: calls(runner.page()) == 4)

    shown = counted(runner.page())
    process.communicate("\n", timeout=10)

    assert shown == served(server.entries()[seen:])
    assert runner.names() == ["agent"]
    assert process.returncode == 0
    assert runner.registry.total("model_calls") == 4
    assert runner.states()[-1] == "goodbye"
    assert runner.registry.contradictions == []


def test_a_short_agent_is_counted_to_its_last_call(
    runner: Runner, server: ModelServer, seen: int
) -> None:
    ran = runner.run("--", sys.executable, str(runner.script(f"{OPENAI}\ncall()")))

    entries = server.entries()[seen:]
    assert ran.returncode == 0
    assert runner.registry.total("model_calls") == len(entries) == 2
    assert runner.registry.total("tokens_processed") == sum(
        sum(served([entry]).tokens.values()) for entry in entries
    )


def test_an_agent_that_crashes_has_its_numbers_delivered_and_is_missed(
    runner: Runner, server: ModelServer, seen: int
) -> None:
    ran = runner.run("--", sys.executable, str(runner.script(f"{OPENAI}\ncall()\n1 / 0")))

    assert ran.returncode == 1
    assert "ZeroDivisionError" in ran.stderr
    assert runner.registry.total("model_calls") == 2
    assert runner.states()[-1] == "failed"


def test_the_outside_does_not_speak_over_the_state_within(
    runner: Runner, server: ModelServer, seen: int
) -> None:
    process = runner.python(CALLING)
    line(process)

    wait_until(lambda: total(runner.page(), AGENT_STATE, state="idle") == 1)

    assert total(runner.page(), PROCESSES) == 1


@pytest.mark.parametrize("shell", [True, False])
def test_python_is_found_wherever_it_is_in_the_tree(
    runner: Runner, server: ModelServer, seen: int, shell: bool
) -> None:
    script = runner.script(CALLING)
    inner = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '{script}']))"
    outer = ("sh", "-c", f"{shlex.join((sys.executable, str(script)))}; exit $?")
    process = runner.start(
        "--name", "x", "--", *(outer if shell else (sys.executable, "-c", inner))
    )
    line(process)

    wait_until(lambda: calls(runner.page()) == 4)

    assert total(runner.page(), PROCESSES) == 2


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_all_processes_of_the_program_are_one_agent(
    runner: Runner, server: ModelServer, seen: int, method: str
) -> None:
    code = f"""{OPENAI}
import multiprocessing, time
def work():
    call()
    time.sleep(60)
def main():
    call()
    context = multiprocessing.get_context("{method}")
    for _ in range(3): context.Process(target=work, daemon=True).start()
    print("done", flush=True)
    sys.stdin.readline()
if __name__ == "__main__":
    main()
"""
    process = runner.python(code)
    line(process)

    wait_until(lambda: calls(runner.page()) == 8)
    shown = counted(runner.page())
    process.communicate("\n", timeout=10)

    assert shown == served(server.entries()[seen:])
    assert runner.names() == ["agent"]
    assert runner.registry.total("model_calls") == 8


def test_a_python_without_model_calls_is_left_alone(runner: Runner) -> None:
    show = "import sys, threading; print(threading.active_count(), *sorted(sys.modules))"

    ran = runner.run("--", sys.executable, "-c", show)

    threads, *modules = ran.stdout.split()
    assert threads == "1"
    assert not [module for module in modules if module.startswith(("pulseguard", "psutil"))]


def test_none_is_measured_when_none_is_wanted(
    runner: Runner, server: ModelServer, seen: int
) -> None:
    process = runner.python(CALLING, "--instrument", "none")
    line(process)

    assert calls(runner.page()) == 0
    assert total(runner.page(), PROCESSES) == 1


def test_a_library_that_is_not_chosen_is_not_measured(
    runner: Runner, server: ModelServer, seen: int
) -> None:
    process = runner.python(CALLING, "--instrument", "anthropic")
    line(process)

    assert calls(runner.page()) == 0


@pytest.fixture
def other_python(tmp_path: Path) -> Path:
    """Another Python, which has nothing but the standard library."""
    folder = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


def test_a_python_without_pulseguard_runs_as_ever_and_one_line_says_so(
    runner: Runner, tmp_path: Path, other_python: Path
) -> None:
    (tmp_path / "openai.py").write_text("print('imported')")
    code = "import openai\nimport subprocess, sys\n"
    code += "subprocess.run([sys.executable, '-c', 'import openai'], cwd=sys.path[0])\ninput()"
    process = runner.start("--", str(other_python), str(runner.script(code)))

    assert line(process) == "imported"
    page = runner.page()
    out, err = process.communicate("\n", timeout=10)

    assert out == "imported\n"
    assert total(page, PROCESSES) == 1
    assert err.count("has no PulseGuard") == 1
    assert err.count("\n") == 1
    assert str(other_python) in err


def test_another_python_with_pulseguard_is_measured(
    runner: Runner, server: ModelServer, seen: int, other_python: Path
) -> None:
    (site,) = other_python.parent.parent.glob("lib/python*/site-packages")
    folders = (Path(pulseguard.__file__).parent.parent, sysconfig.get_paths()["purelib"])
    (site / "others.pth").write_text("\n".join(map(str, folders)))
    process = runner.start("--", str(other_python), str(runner.script(CALLING)))
    line(process)

    wait_until(lambda: calls(runner.page()) == 4)


def test_a_library_that_is_not_there_fails_as_ever(runner: Runner, other_python: Path) -> None:
    code = "try: import openai\nexcept ModuleNotFoundError as error: print(error)"

    ran = runner.run("--", str(other_python), "-c", code)

    assert (ran.stdout, ran.stderr) == ("No module named 'openai'\n", "")


@pytest.mark.alone  # the numbers have the 2 s that an end may take
def test_a_killed_runner_does_not_keep_the_numbers_from_being_delivered(
    runner: Runner, server: ModelServer, seen: int
) -> None:
    process = runner.python(CALLING)
    line(process)
    runner.agent()

    process.kill()
    process.wait()

    wait_until(lambda: runner.registry.total("model_calls") == 4)
    wait_until(lambda: runner.states()[-1] == "goodbye")
